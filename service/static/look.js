// What of the result people want to see: the switches beside the video, and the tracks they hide.

/** Tells of each change with an event `change`. */
export class Look extends EventTarget {
  masks = true;
  boxes = true;
  labels = true;
  /** Darken what is no object, rather than tint what is one. */
  spotlight = false;
  /** How much of its colour a mask has inside its outline, 0 to 1. */
  tint = 0;
  /** Objects with lower scores are left out. */
  threshold = 0;
  /** @type {Set<number>} tracks that are left out */
  #hidden = new Set();

  constructor() {
    super();
    for (const name of ["masks", "boxes", "labels", "spotlight"]) {
      const box = /** @type {HTMLInputElement} */ (document.getElementById(`show-${name}`));
      this[name] = box.checked; // browsers keep what was chosen when a page is loaded again
      box.addEventListener("change", () => {
        this[name] = box.checked;
        this.#changed();
      });
    }
    for (const name of ["tint", "threshold"]) {
      const slider = /** @type {HTMLInputElement} */ (document.getElementById(name));
      const read = () => {
        this[name] = Number(slider.value);
        document.getElementById(`${name}-value`).textContent = this[name].toFixed(2);
      };
      read();
      slider.addEventListener("input", () => {
        read();
        this.#changed();
      });
    }
  }

  /** @param {{track: number, score: number}} found @returns {boolean} whether it is wanted */
  shows({ track, score }) {
    return score >= this.threshold && !this.#hidden.has(track);
  }

  /** @param {number} track */
  hides(track) {
    return this.#hidden.has(track);
  }

  get hidesAny() {
    return this.#hidden.size > 0;
  }

  /** @param {number} track to hide, or to show again */
  toggle(track) {
    if (!this.#hidden.delete(track)) this.#hidden.add(track);
    this.#changed();
  }

  /** @param {number[]} tracks to hide, or to show again where all are hidden */
  toggleAll(tracks) {
    const hide = tracks.some((track) => !this.#hidden.has(track));
    for (const track of tracks) {
      if (hide) this.#hidden.add(track);
      else this.#hidden.delete(track);
    }
    this.#changed();
  }

  showAll() {
    this.#hidden.clear();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
