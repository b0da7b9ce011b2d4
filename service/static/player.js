// Plays a video and says of every picture that is shown which moment it is, to the frame.

const has = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

export class Player {
  #video;
  #wanted = 0; // counts loads, so that callbacks of an older one are known
  /** What the player calls the time of the first picture; it needn't be 0. */
  #first_s = 0;
  /** @type {number | null} where a seek that is under way goes to */
  #aim_s = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {(time_s: number) => void} onPicture called with the time of each picture that is shown,
   *   in seconds after the first one
   */
  constructor(video, onPicture) {
    this.#video = video;
    this.#onPicture = onPicture;
    this.time_s = 0;
    video.addEventListener("seeked", () => { this.#aim_s = null; });
  }

  #onPicture;

  /**
   * @param {string} address
   * @returns {Promise<boolean>} whether the browser can show its pictures
   */
  async load(address) {
    const video = this.#video;
    this.#wanted += 1;
    const load = this.#wanted;
    this.#first_s = NaN;
    this.#aim_s = null;
    video.src = address;
    const playable = await new Promise((resolve) => {
      // A file whose sound alone can be played has no width.
      video.addEventListener("loadeddata", () => resolve(video.videoWidth > 0), { once: true });
      video.addEventListener("error", () => resolve(false), { once: true });
    });
    if (playable && load === this.#wanted) this.#watch(load);
    return playable;
  }

  unload() {
    this.#wanted += 1;
    this.#video.pause();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** @param {number} load */
  #watch(load) {
    const next = () => {
      if (has) this.#video.requestVideoFrameCallback((_, { mediaTime }) => shown(mediaTime));
      // Browsers without it tell the time of playback only, which may be a frame off.
      else requestAnimationFrame(() => shown(this.#video.currentTime));
    };
    const shown = (/** @type {number} */ media_s) => {
      if (load !== this.#wanted) return;
      next();
      if (Number.isNaN(this.#first_s)) this.#first_s = this.#video.currentTime < 0.001 || !has ? media_s : 0;
      this.time_s = media_s - this.#first_s;
      this.#onPicture(this.time_s);
    };
    next();
    // A picture that was shown before the watch began is not told of: show it again.
    this.#video.currentTime = 0;
  }

  /** @returns {number} where it is, or will be once it has got there */
  get aim_s() {
    return this.#aim_s ?? this.time_s;
  }

  /** @param {number} time_s after the first picture; `aim_s` is this until it is shown */
  seek(time_s) {
    const stop_s = Number.isFinite(this.#video.duration) ? this.#video.duration : Infinity;
    this.#aim_s = Math.max(0, Math.min(time_s, stop_s));
    this.#video.currentTime = this.#aim_s + (this.#first_s || 0);
  }

  toggle() {
    if (this.#video.paused) this.#video.play().catch(() => {}); // unloaded meanwhile, or no picture
    else this.#video.pause();
  }

  pause() {
    this.#video.pause();
  }
}
