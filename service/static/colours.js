// The colour of each track, the same as in overlay.mp4.

const GOLDEN_RATIO = 0.618034;

/**
 * @param {number} track
 * @returns {[number, number, number]} red, green, blue, 0 to 255
 */
export function colourOf(track) {
  const hue = ((0.33 + track * GOLDEN_RATIO) % 1) * 6;
  const channel = (/** @type {number} */ turn) => {
    const at = (turn + hue) % 6;
    return Math.round(255 * (1 - 0.85 * Math.max(0, Math.min(at, 4 - at, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}

/** @param {number} track @returns {string} black or white, whichever is read better on its colour */
export function inkOn(track) {
  const [red, green, blue] = colourOf(track);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 110 ? "#000" : "#fff";
}

/** @param {number} track @param {number} [opacity] */
export function css(track, opacity = 1) {
  return `rgb(${colourOf(track).join(" ")} / ${opacity})`;
}
