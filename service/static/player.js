// Plays a video and says of every picture that is shown which moment it is, to the frame.

const has = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

export class Player {
  #video;
  #wanted = 0; // counts loads, so that callbacks of an older one are known
  /** What the player calls the time of the first picture; it needn't be 0. */
  #first_s = 0;
  /** @type {number | null} where people went last, until it plays on from there */
  #aim_s = null;
  /** @type {number | null} the last aim that the browser was told */
  #told_s = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {(time_s: number) => void} onPicture called with the time of each picture that is shown,
   *   in seconds after the first one
   */
  constructor(video, onPicture) {
    this.#video = video;
    this.#onPicture = onPicture;
    this.time_s = 0;
    video.addEventListener("seeked", () => {
      if (this.#aim_s !== this.#told_s) this.#go();
      else if (!video.paused) this.#aim_s = null;
    });
    video.addEventListener("playing", () => { this.#aim_s = null; });
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
    this.time_s = 0;
    this.#watch(load); // before there is anything to see: each picture is told of once
    video.src = address;
    const playable = await new Promise((resolve) => {
      // A file whose sound alone can be played has no width.
      video.addEventListener("loadeddata", () => resolve(video.videoWidth > 0), { once: true });
      video.addEventListener("error", () => resolve(false), { once: true });
    });
    // People may go somewhere before the video is there.
    if (playable && load === this.#wanted && this.#aim_s !== null) this.seek(this.#aim_s);
    return playable;
  }

  unload() {
    this.#wanted += 1;
    this.#aim_s = null;
    this.time_s = 0;
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
  }

  /** @returns {number} where it is, or will be once it has got there; in a picture, not at its start */
  get aim_s() {
    return this.#aim_s ?? this.time_s;
  }

  /** @param {number} time_s after the first picture; `aim_s` is this until it plays on */
  seek(time_s) {
    const stop_s = Number.isFinite(this.#video.duration) ? this.#video.duration : Infinity;
    this.#aim_s = Math.max(0, Math.min(time_s, stop_s));
    // One at a time: Chromium loses some of those that it is told while it is on its way.
    if (this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !this.#video.seeking) this.#go();
  }

  #go() {
    this.#told_s = this.#aim_s;
    if (this.#aim_s !== null) this.#video.currentTime = this.#aim_s + (this.#first_s || 0);
  }

  toggle() {
    if (this.#video.paused) this.#video.play().catch(() => {}); // unloaded meanwhile, or no picture
    else this.#video.pause();
  }

  pause() {
    this.#video.pause();
  }
}
