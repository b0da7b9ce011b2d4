// The tracks of a result, each with its score over time: click to go there, or to hide one.

import { css } from "./colours.js";
import { clock, counted } from "./format.js";

const FIRST = 20;

export class Timeline {
  #list = document.getElementById("track-list");
  #more = document.getElementById("tracks-more");
  #none = document.getElementById("tracks-none");
  #all = document.getElementById("show-all");
  /** @type {Map<number, HTMLElement>} by track */
  #rows = new Map();
  /** @type {import("./results.js").Results | null} */
  #results = null;
  #look;
  #most = FIRST;
  #drawn = 0;

  /**
   * @param {import("./look.js").Look} look
   * @param {(time_s: number) => void} seek called with the moment that was clicked
   */
  constructor(look, seek) {
    this.#look = look;
    this.#seek = seek;
    look.addEventListener("change", () => this.update());
    this.#more.addEventListener("click", () => {
      this.#most = Infinity;
      this.update();
    });
    this.#all.addEventListener("click", () => look.showAll());
    new ResizeObserver(() => this.update()).observe(this.#list);
  }

  #seek;

  /** @param {import("./results.js").Results} results */
  open(results) {
    this.#results = results;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#most = FIRST;
    this.update();
  }

  /** @param {string | null} text said where there are no tracks */
  none(text) {
    this.#none.hidden = text === null;
    this.#none.textContent = text;
  }

  /** @param {number} time_s */
  at(time_s) {
    if (this.#results) this.#list.style.setProperty("--at", String(time_s / this.#results.duration_s));
  }

  /** @param {number} nth counted from 0, of those in the list */
  toggleNth(nth) {
    const id = [...this.#rows.keys()][nth];
    if (id !== undefined) this.#look.toggle(id);
  }

  /** Draw all rows anew, once, when the browser next draws. */
  update() {
    cancelAnimationFrame(this.#drawn);
    this.#drawn = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const tracks = [...(this.#results?.tracks.values() ?? [])];
    for (const track of tracks.slice(0, this.#most)) {
      if (!this.#rows.has(track.id)) {
        const row = this.#row(track.id);
        this.#rows.set(track.id, row);
        this.#list.append(row);
      }
      this.#fill(this.#rows.get(track.id), track);
    }
    const left = Math.max(0, tracks.length - this.#most);
    this.#more.hidden = left === 0;
    this.#more.textContent = `Show ${left} more`;
    this.#all.hidden = !this.#look.hidesAny;
  }

  /** @param {number} id */
  #row(id) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("track-template"));
    const row = /** @type {HTMLElement} */ (template.content.cloneNode(true).firstElementChild);
    row.style.setProperty("--colour", css(id));
    row.querySelector("button").addEventListener("click", () => this.#look.toggle(id));
    const lane = row.querySelector(".lane");
    lane.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const { left, width } = lane.getBoundingClientRect();
      this.#seek(((event.clientX - left) / width) * this.#results.duration_s);
    });
    return row;
  }

  /** @param {HTMLElement} row @param {import("./results.js").Track} track */
  #fill(row, track) {
    const hidden = this.#look.hides(track.id);
    row.classList.toggle("off", hidden);
    const button = row.querySelector("button");
    button.setAttribute("aria-pressed", String(!hidden));
    button.title = hidden ? "Show this track" : "Hide this track";
    row.querySelector(".track-title").textContent =
      `Track ${track.id}${track.action ? ` · ${track.action}` : ""}`;
    row.querySelector(".track-facts").textContent =
      `${clock(track.start_s, 1)} – ${clock(track.stop_s, 1)} · ${counted(track.frames, "frame")}`;
    this.#chart(row.querySelector("canvas"), track);
  }

  /** @param {HTMLCanvasElement} canvas @param {import("./results.js").Track} track */
  #chart(canvas, track) {
    const { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    const context = canvas.getContext("2d");
    const scores = track.scores();
    const bin = canvas.width / scores.length;
    scores.forEach((score, at) => {
      if (Number.isNaN(score)) return;
      context.fillStyle = css(track.id, score < this.#look.threshold ? 0.2 : 0.85);
      const left = Math.floor(at * bin);
      const tall = Math.max(1, score * canvas.height);
      context.fillRect(left, canvas.height - tall, Math.max(1, Math.floor((at + 1) * bin) - left), tall);
    });
    if (this.#look.threshold > 0) {
      context.strokeStyle = getComputedStyle(canvas).color;
      context.setLineDash([4, 4]);
      context.beginPath();
      const y = Math.round(canvas.height * (1 - this.#look.threshold)) + 0.5;
      context.moveTo(0, y);
      context.lineTo(canvas.width, y);
      context.stroke();
    }
  }
}
