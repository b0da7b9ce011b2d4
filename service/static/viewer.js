// The video, and over each of its pictures the frame of the result that belongs to it.

import { isFinal } from "./api.js";
import { counted, ratio } from "./format.js";
import { Overlay } from "./overlay.js";
import { Player } from "./player.js";
import { Source } from "./source.js";

// Players round times: a picture this little after a frame's time is that frame's own.
const HELD_S = 0.002;

export class Viewer {
  #stage = document.getElementById("stage");
  #video = /** @type {HTMLVideoElement} */ (document.getElementById("video"));
  #frame = document.getElementById("frame");
  #overlay = new Overlay();
  #player = new Player(this.#video, () => this.draw());
  /** @type {import("./api.js").Job | null} */
  #job = null;
  /** @type {import("./results.js").Results | null} */
  #results = null;
  #drawn = -1; // the place of the frame that is drawn, -1 where it isn't known yet

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./look.js").Look} look
   * @param {(time_s: number, aim_s: number) => void} moved called with the moment that is shown,
   *   and the one that was asked for
   */
  constructor(api, look, moved) {
    this.#look = look;
    this.#moved = moved;
    this.#source = new Source(api, this.#player, (text) => this.#note(text));
    look.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.#stage);
    this.#stage.addEventListener("click", () => this.toggle());
  }

  #look;
  #moved;
  #source;

  close() {
    this.#source.close();
    this.#job = null;
    this.#results = null;
    this.#overlay.clear();
    this.#frame.textContent = "";
  }

  /**
   * @param {import("./api.js").Job} job
   * @param {import("./results.js").Results} results of it, which may grow: then `grown` is to be called
   */
  open(job, results) {
    const { width, height, pixel_aspect } = job.video;
    this.#job = job;
    this.#results = results;
    this.#shape(width * ratio(pixel_aspect), height);
    this.#overlay.resize(width, height);
    this.draw();
  }

  /** @param {import("./api.js").Job} job as it stands now */
  update(job) {
    this.#job = job;
    this.draw();
  }

  /**
   * Get the video, which `open` told of.
   *
   * @param {File | null} file the video, where this page has it
   * @param {Promise<import("./api.js").Job | null>} ended the job when it is final
   * @param {AbortSignal} signal ends it
   */
  async load(file, ended, signal) {
    if (!await this.#source.open(this.#job, file, ended, signal)) return;
    this.#shape(this.#video.videoWidth, this.#video.videoHeight);
    this.draw();
  }

  /** @param {number} width @param {number} height */
  #shape(width, height) {
    this.#stage.style.setProperty("--ratio", String(width / height));
  }

  /** @param {string | null} text in place of the picture */
  #note(text) {
    const note = document.getElementById("stage-note");
    note.hidden = text === null;
    note.textContent = text ?? "";
  }

  /** Draw what has come, if the picture that is shown waited for it. */
  grown() {
    if (this.#results?.at(this.#player.time_s + this.#shift_s()) !== this.#drawn) this.draw();
  }

  draw() {
    if (!this.#job) return;
    const time_s = this.#player.time_s + this.#shift_s();
    const place = this.#results.at(time_s);
    const late_s = place < 0 ? Infinity : time_s - this.#results.time_s(place);
    const { every } = this.#job.request;
    const known = place >= 0 && (place + 1 < this.#results.length || late_s < 1.5 * every * this.#aFrame_s());
    const frame = known ? this.#results.frame(place) : null;
    this.#drawn = known ? place : -1;
    const held = every > 1 && late_s > HELD_S;
    if (!frame || this.#source.rendered) this.#overlay.clear();
    else this.#overlay.draw(frame.objects, this.#look, held);
    this.#frame.textContent = this.#words(frame, held);
    this.#moved(time_s, this.#player.aim_s + this.#shift_s());
  }

  /** @returns {string} what is said of the frame */
  #words(frame, held) {
    if (!frame) return isFinal(this.#job) ? "This part was not looked at." : "Not done yet.";
    if (this.#source.rendered) {
      return `Frame ${frame.index} · ${fault(frame)}drawn by the service, since your browser can't play the video: nothing can be hidden in it.`;
    }
    const shown = frame.objects.filter((found) => this.#look.shows(found)).length;
    const hidden = frame.objects.length - shown;
    const found = `${counted(shown, "object")}${hidden ? ` (${hidden} hidden)` : ""}`;
    if (held) return `After frame ${frame.index} · ${found} as it was there`;
    return `Frame ${frame.index} · ${fault(frame)}${found}`;
  }

  /** @returns {number} seconds that a frame of the video is shown for, most of the time */
  #aFrame_s() {
    return 1 / ratio(this.#job.video.fps);
  }

  /** @returns {number} seconds between the player's time and the result's */
  #shift_s() {
    return this.#source.rendered && this.#results.length ? this.#results.time_s(0) : 0;
  }

  toggle() {
    this.#player.toggle();
  }

  /** @param {number} time_s of the video */
  seek(time_s) {
    if (this.#job) this.#player.seek(time_s - this.#shift_s());
  }

  /** @param {number} by_s seconds on, or back */
  jump(by_s) {
    this.seek(this.#player.aim_s + this.#shift_s() + by_s);
  }

  /** Show the next frame of the result, or the one before. @param {number} by 1 or -1 */
  step(by) {
    const results = this.#results;
    if (!results?.length) return;
    this.#player.pause();
    const now = results.at(this.#player.aim_s + this.#shift_s());
    const place = Math.max(0, Math.min(now + by, results.length - 1));
    // Into the frame rather than to its edge, where the player may take the one before.
    const start_s = results.time_s(place);
    const next_s = place + 1 < results.length ? results.time_s(place + 1) : Infinity;
    this.seek(start_s + Math.min((next_s - start_s) / 2, this.#aFrame_s() / 4));
  }
}

/** @param {import("./results.js").Frame} frame @returns {string} what is wrong with its picture */
function fault(frame) {
  if (frame.repeated) return "can't be decoded, so the last picture's · ";
  return frame.damaged ? "damaged picture · " : "";
}
