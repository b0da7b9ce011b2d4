// The frames of a result: kept as text and read when they are shown, so that long ones fit.

const MOST_BINS = 600;
// Players and containers round times, some to whole milliseconds.
const TOLERANCE_S = 0.0006;

/**
 * @typedef {object} Found an object in a frame
 * @property {number} track
 * @property {number} score
 * @property {[number, number, number, number]} box
 * @property {{label: string, score: number}} [action]
 * @property {{size: [number, number], counts: string}} [segmentation]
 *
 * @typedef {object} Frame
 * @property {number} index
 * @property {number} time_s
 * @property {true} [repeated] it can't be decoded
 * @property {true} [damaged] its picture is, or one that it is built on
 * @property {true} [cut] a shot begins
 * @property {Found[]} objects
 */

/**
 * What the timeline shows of a track: its mean score in each of some equal parts of the video. A part
 * in which no frame starts shows the frame that is on screen then.
 */
export class Track {
  #sums;
  #counts;
  frames = 0;
  stop_s = 0;

  /** @param {number} id @param {number} start_s @param {number} bins how many parts */
  constructor(id, start_s, bins) {
    this.#sums = new Float32Array(bins);
    this.#counts = new Uint32Array(bins);
    this.id = id;
    this.start_s = start_s;
    /** @type {string} what it does; empty until the whole result says so */
    this.action = "";
  }

  /** @param {number} bin @param {number} score @param {number} time_s */
  add(bin, score, time_s) {
    this.hold(bin, score);
    this.frames += 1;
    this.stop_s = time_s;
  }

  /** @param {number} bin @param {number} score of a frame that is seen then */
  hold(bin, score) {
    this.#sums[bin] += score;
    this.#counts[bin] += 1;
  }

  /** @returns {Float32Array} NaN where it isn't seen */
  scores() {
    return this.#sums.map((sum, bin) => sum / this.#counts[bin]);
  }
}

export class Results {
  /** @type {string[]} */
  #lines = [];
  /** @type {number[]} */
  #times = [];
  #bytes = 0;
  #bins;
  /** The part in which the last frame starts, and what was seen in it. */
  #last = { bin: -1, /** @type {Found[]} */ objects: [] };
  #shown = -1;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {Map<number, Track>} in the order in which they are first seen */
  tracks = new Map();
  /** @type {number[]} when shots begin but for the first one; seconds */
  cuts = [];

  /**
   * @param {number} duration_s of the video
   * @param {number} most how many frames the result would have for the whole video
   */
  constructor(duration_s, most) {
    this.duration_s = duration_s;
    this.#bins = Math.max(1, Math.min(MOST_BINS, most));
  }

  get length() {
    return this.#lines.length;
  }

  /** When the last frame so far is shown; seconds. */
  get last_s() {
    return this.#times.at(-1) ?? 0;
  }

  /** How much its frames are as text. */
  get bytes() {
    return this.#bytes;
  }

  /** @param {string} line @param {Frame} frame what it says */
  add(line, frame) {
    this.#lines.push(line);
    this.#bytes += line.length + 1; // plain ASCII, and the end of the line
    this.#times.push(frame.time_s);
    if (frame.cut) this.cuts.push(frame.time_s);
    const place = ((frame.time_s + TOLERANCE_S) / this.duration_s) * this.#bins;
    const bin = Math.min(this.#bins - 1, Math.floor(place));
    for (let held = this.#last.bin + 1; held < bin; held += 1) {
      for (const { track, score } of this.#last.objects) this.tracks.get(track).hold(held, score);
    }
    this.#last = { bin, objects: frame.objects };
    for (const { track, score } of frame.objects) {
      let seen = this.tracks.get(track);
      if (!seen) {
        seen = new Track(track, frame.time_s, this.#bins);
        this.tracks.set(track, seen);
      }
      seen.add(bin, score, frame.time_s);
    }
  }

  /**
   * Find the frame that is shown at a time: the last one that isn't later.
   *
   * @param {number} time_s
   * @returns {number} its place among the frames of the result, -1 where none is
   */
  at(time_s) {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle] <= time_s + TOLERANCE_S) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** @param {number} place @returns {number} */
  time_s(place) {
    return this.#times[place];
  }

  /** @param {number} place @returns {Frame} */
  frame(place) {
    if (place !== this.#shown) {
      this.#frame = JSON.parse(this.#lines[place]);
      this.#shown = place;
    }
    return this.#frame;
  }
}
