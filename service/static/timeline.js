// The tracks of a result, each with its score over time: click to go there, or to hide one.

import { css } from "./colours.js";
import { clock, counted } from "./format.js";
import { arrange } from "./rows.js";

const FIRST = 20;
const BRIEF_S = 0.5;

/** @typedef {import("./results.js").Track} Track */

export class Timeline {
  #list = document.getElementById("track-list");
  #more = document.getElementById("tracks-more");
  #none = document.getElementById("tracks-none");
  #all = document.getElementById("show-all");
  #singly = document.getElementById("tracks-singly");
  /** The row of all that are seen for a moment only. */
  #group;
  /** @type {Track[]} */
  #brief = [];
  #grouped = true;
  /** @type {number[]} tracks with a row of their own, as they are listed */
  #shown = [];
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
    this.#singly.addEventListener("click", () => {
      this.#grouped = false;
      this.update();
    });
    this.#all.addEventListener("click", () => look.showAll());
    this.#group = this.#newRow("var(--faint)", () => look.toggleAll(this.#brief.map(({ id }) => id)));
    new ResizeObserver(() => this.update()).observe(this.#list);
  }

  #seek;

  /** @param {import("./results.js").Results} results */
  open(results) {
    this.#results = results;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#most = FIRST;
    this.#grouped = true;
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
    if (nth < this.#shown.length) this.#look.toggle(this.#shown[nth]);
  }

  /** Draw all rows anew, once, when the browser next draws. */
  update() {
    cancelAnimationFrame(this.#drawn);
    this.#drawn = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const tracks = [...(this.#results?.tracks.values() ?? [])];
    this.#brief = this.#grouped ? this.#findBrief(tracks) : [];
    const others = tracks.filter((track) => !this.#brief.includes(track));
    const listed = others.slice(0, this.#most);
    this.#shown = listed.map(({ id }) => id);
    const rows = listed.map(({ id }) => this.#row(id));
    arrange(this.#list, this.#brief.length ? [...rows, this.#group] : rows);
    listed.forEach((track, at) => this.#fill(rows[at], track));
    if (this.#brief.length) this.#fillGroup();
    this.#singly.hidden = this.#brief.length === 0;
    this.#singly.textContent = `List ${this.#brief.length} brief tracks`;
    const left = Math.max(0, others.length - this.#most);
    this.#more.hidden = left === 0;
    this.#more.textContent = `Show ${left} more`;
    this.#all.hidden = !this.#look.hidesAny;
  }

  /** @param {Track[]} tracks @returns {Track[]} those that came and went in a moment; none where that is a single one */
  #findBrief(tracks) {
    const { last_s, duration_s } = this.#results;
    const most_s = Math.min(BRIEF_S, duration_s / 10);
    const brief = tracks.filter(({ start_s, stop_s }) => stop_s - start_s < most_s && stop_s < last_s);
    return brief.length > 1 ? brief : [];
  }

  /** @param {number} id @returns {HTMLElement} */
  #row(id) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#newRow(css(id), () => this.#look.toggle(id)));
    return this.#rows.get(id);
  }

  /** @param {string} colour @param {() => void} toggle hides what it shows, or shows it again */
  #newRow(colour, toggle) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("track-template"));
    const row = /** @type {HTMLElement} */ (template.content.cloneNode(true).firstElementChild);
    row.style.setProperty("--colour", colour);
    row.querySelector("button").addEventListener("click", toggle);
    const lane = row.querySelector(".lane");
    lane.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const { left, width } = lane.getBoundingClientRect();
      this.#seek(((event.clientX - left) / width) * this.#results.duration_s);
    });
    return row;
  }

  /** @param {HTMLElement} row @param {Track} track */
  #fill(row, track) {
    const title = `Track ${track.id}${track.action ? ` · ${track.action}` : ""}`;
    const facts = `${clock(track.start_s, 1)} – ${clock(track.stop_s, 1)} · ${counted(track.frames, "frame")}`;
    this.#tell(row, title, facts, this.#look.hides(track.id));
    this.#chart(row.querySelector("canvas"), [track]);
  }

  #fillGroup() {
    const title = `${this.#brief.length} brief tracks`;
    this.#tell(this.#group, title, "a moment each", this.#brief.every(({ id }) => this.#look.hides(id)));
    this.#chart(this.#group.querySelector("canvas"), this.#brief);
  }

  /** @param {HTMLElement} row @param {string} title @param {string} facts @param {boolean} hidden */
  #tell(row, title, facts, hidden) {
    row.classList.toggle("off", hidden);
    const button = row.querySelector("button");
    button.setAttribute("aria-pressed", String(!hidden));
    button.title = hidden ? "Show in the video" : "Hide in the video";
    row.querySelector(".track-title").textContent = title;
    row.querySelector(".track-facts").textContent = facts;
  }

  /** @param {HTMLCanvasElement} canvas @param {Track[]} tracks drawn over each other */
  #chart(canvas, tracks) {
    const { width, height } = canvas.getBoundingClientRect();
    if (!width) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    const context = canvas.getContext("2d");
    for (const track of tracks) {
      const scores = track.scores();
      const bin = canvas.width / scores.length;
      scores.forEach((score, at) => {
        if (Number.isNaN(score)) return;
        context.fillStyle = css(track.id, score < this.#look.threshold ? 0.2 : 0.85);
        const left = Math.floor(at * bin);
        const tall = Math.max(1, score * canvas.height);
        context.fillRect(left, canvas.height - tall, Math.max(1, Math.floor((at + 1) * bin) - left), tall);
      });
    }
    context.fillStyle = getComputedStyle(canvas).color;
    for (const cut_s of this.#results.cuts) {
      context.fillRect(Math.round((cut_s / this.#results.duration_s) * canvas.width), 0, Math.max(1, devicePixelRatio), canvas.height);
    }
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
