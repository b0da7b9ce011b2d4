// The buttons, the slider and the keys that play, step and jump.

import { clock } from "./format.js";

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

export class Controls {
  #duration_s = 0;
  #enabled = false;

  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @param {(nth: number) => void} hide called with the place of a track in the list, from 0
   */
  constructor(viewer, hide) {
    this.#viewer = viewer;
    this.#hide = hide;
    const video = at("video");
    at("play").addEventListener("click", () => viewer.toggle());
    at("back").addEventListener("click", () => viewer.step(-1));
    at("forward").addEventListener("click", () => viewer.step(1));
    at("seek").addEventListener("input", () => viewer.seek(Number(at("seek").value)));
    at("sound").addEventListener("click", () => { video.muted = !video.muted; });
    video.addEventListener("volumechange", () => at("sound").setAttribute("aria-pressed", String(video.muted)));
    for (const event of ["play", "pause"]) {
      video.addEventListener(event, () => {
        at("play").classList.toggle("playing", !video.paused);
        at("play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
      });
    }
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #viewer;
  #hide;

  /** @param {number} duration_s of the video that is shown now */
  open(duration_s) {
    this.#duration_s = duration_s;
    this.#enabled = true;
    at("seek").max = String(duration_s);
  }

  close() {
    this.#enabled = false;
    at("clock").textContent = "";
  }

  /** @param {number} time_s that is shown @param {number} aim_s that was asked for */
  moved(time_s, aim_s) {
    // Not the time of the picture, which is before that: short steps by key would get nowhere.
    at("seek").value = String(aim_s);
    at("seek").setAttribute("aria-valuetext", `${clock(time_s, 1)} of ${clock(this.#duration_s, 1)}`);
    at("clock").textContent = `${clock(time_s, 1)} / ${clock(this.#duration_s, 1)}`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#enabled || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input:not([type=checkbox]), select, textarea, dialog")) return; // keys of their own
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && event.shiftKey) this.#viewer.jump(by);
    else if (by) this.#viewer.step(by);
    else if (event.key === " " && !target.closest("button, a, summary, input")) this.#viewer.toggle();
    else if (/^[1-9]$/.test(event.key)) this.#hide(Number(event.key) - 1);
    else return;
    event.preventDefault();
  }
}
