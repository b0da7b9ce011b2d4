// How far a job is: in a bar, in words, and how long it will take.

import { isFinal } from "./api.js";
import { counted, roughly } from "./format.js";

export class Progress {
  #card = document.getElementById("job-progress");
  #bar = /** @type {HTMLProgressElement} */ (document.getElementById("job-bar"));
  #state = document.getElementById("job-state");
  #news = document.getElementById("job-news");
  /** @type {{done: number, at_ms: number} | null} when it was first seen running */
  #first = null;

  /** @param {() => void} cancel called when people want the job to stop */
  constructor(cancel) {
    document.getElementById("job-cancel").addEventListener("click", cancel);
  }

  /** Forget what was shown of another job. */
  reset() {
    this.#card.hidden = true;
    this.#first = null;
  }

  /** @param {import("./api.js").Job} job */
  show(job) {
    const { frames_done: done, frames_total: total } = job.progress;
    this.#card.hidden = isFinal(job);
    if (done) this.#bar.value = done / total;
    else this.#bar.removeAttribute("value"); // the first frames come with the first segment
    const running = job.state === "running";
    const text = running ? this.#words(done, total) : "Waiting for a worker…";
    this.#state.textContent = text;
    // Said aloud at each tenth only.
    const news = running ? `${Math.floor((10 * done) / total) * 10} percent done` : text;
    if (this.#news.textContent !== news) this.#news.textContent = news;
  }

  /** @param {number} done @param {number} total frames */
  #words(done, total) {
    const at_ms = performance.now();
    this.#first ??= { done, at_ms };
    const aFrame_s = (at_ms - this.#first.at_ms) / 1000 / (done - this.#first.done);
    const left_s = (total - done) * aFrame_s;
    const text = `${done.toLocaleString("en")} of ${counted(total, "frame")}`;
    return Number.isFinite(left_s) && left_s > 0 ? `${text}, about ${roughly(left_s)} left` : text;
  }
}
