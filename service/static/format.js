// Sizes, times and scores as people read them.

/**
 * @param {number} bytes
 * @returns {string} such as "1.4 MB"
 */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit && value < 100 ? 1 : 0)} ${units[unit]}`;
}

/**
 * @param {number} seconds
 * @param {number} [digits] of the fraction
 * @returns {string} such as "1:02.5" or "1:00:00"
 */
export function clock(seconds, digits = 0) {
  const unit = 10 ** digits;
  const whole = Math.floor(seconds * unit + 1e-6) / unit;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as "12 s", "3 min" or "2 h"
 */
export function roughly(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/**
 * @param {string} moment ISO 8601
 * @returns {string} such as "5 minutes ago"
 */
export function ago(moment) {
  const seconds = (Date.parse(moment) - Date.now()) / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  /** @type {[Intl.RelativeTimeFormatUnit, number][]} */
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  for (const [unit, length] of units) {
    if (-seconds >= length) return words.format(Math.round(seconds / length), unit);
  }
  return "just now";
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string} such as "1 frame" or "1,200 frames"
 */
export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

// Told less surely than this, an action is wrong more often than right.
const SURE_ENOUGH = 0.4;

/**
 * @param {{label: string, score: number} | null} [action]
 * @returns {string} such as "kick ball"; empty for `none`, and for what isn't sure enough
 */
export function deed(action) {
  if (!action || action.label === "none" || action.score < SURE_ENOUGH) return "";
  return action.label.replaceAll("_", " ");
}

/**
 * @param {string} fraction such as "30000/1001"
 * @returns {number}
 */
export function ratio(fraction) {
  const [numerator, denominator] = fraction.split("/").map(Number);
  return numerator / denominator;
}
