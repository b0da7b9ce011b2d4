// The list of recent jobs: open, cancel, delete, and how those that run go on.

import { isFinal, pause } from "./api.js";
import { mayDelete } from "./confirm.js";
import { ago, clock, counted } from "./format.js";
import { show } from "./problem.js";
import { arrange } from "./rows.js";
import { Thumbnails } from "./thumbnails.js";

const REFRESH_MS = 2000;
const WORDS = { queued: "Waiting", running: "Running", succeeded: "Done", failed: "Failed", canceled: "Canceled" };

export class JobList {
  #list = document.getElementById("recent-list");
  #more = /** @type {HTMLButtonElement} */ (document.getElementById("recent-more"));
  #problem = document.getElementById("recent-problem");
  #none = document.getElementById("recent-none");
  #loading = document.getElementById("recent-loading");
  #thumbnails;
  /** @type {AbortController | null} */
  #open = null;
  #limit = 10;
  /** @type {Map<string, import("./api.js").Job>} those that are listed, by id */
  #jobs = new Map();

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    this.#thumbnails = new Thumbnails(api);
    this.#more.addEventListener("click", () => {
      this.#limit = Math.min(100, this.#limit + 20);
      this.show();
    });
  }

  #api;

  /** Show the list, and keep it up to date while something in it runs. */
  async show() {
    this.hide();
    this.#open = new AbortController();
    const { signal } = this.#open;
    this.#loading.hidden = this.#list.children.length > 0 || !this.#none.hidden;
    try {
      while (!signal.aborted) {
        const { jobs, next } = await this.#api.json(`jobs?limit=${this.#limit}`, { signal });
        show(this.#problem, null);
        this.#render(jobs);
        this.#more.hidden = next === null || this.#limit >= 100;
        if (jobs.every(isFinal)) return;
        await pause(REFRESH_MS, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#loading.hidden = true;
      show(this.#problem, error, { label: "Try again", run: () => this.show() });
    }
  }

  hide() {
    this.#open?.abort();
  }

  /** @param {import("./api.js").Job[]} jobs */
  #render(jobs) {
    this.#loading.hidden = true;
    this.#none.hidden = jobs.length > 0;
    this.#jobs = new Map(jobs.map((job) => [job.id, job]));
    const rows = new Map(Array.from(this.#list.children, (row) => [row.dataset.id, row]));
    arrange(this.#list, jobs.map((job) => this.#fill(rows.get(job.id) ?? this.#row(job), job)));
  }

  /** @param {import("./api.js").Job} job */
  #row(job) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("job-template"));
    const row = /** @type {HTMLElement} */ (template.content.cloneNode(true).firstElementChild);
    row.dataset.id = job.id;
    row.querySelector("a").href = `#/jobs/${job.id}`;
    row.querySelector(".job-title").textContent = job.request.filename;
    row.querySelector("button").addEventListener("click", () => this.#end(this.#jobs.get(job.id)));
    this.#thumbnails.draw(job.id, row.querySelector("canvas"));
    return row;
  }

  /** @param {Element} row @param {import("./api.js").Job} job */
  #fill(row, job) {
    const { frames_done: done, frames_total: total } = job.progress;
    row.querySelector(".job-facts").textContent =
      `${clock(job.video.duration_s)} · ${counted(total, "frame")} · ${ago(job.created_at)}`;
    const badge = row.querySelector(".badge");
    badge.textContent = WORDS[job.state];
    badge.className = `badge ${job.state}`;
    const bar = row.querySelector("progress");
    bar.hidden = isFinal(job);
    bar.value = done / total;
    bar.setAttribute("aria-label", `Frames done of ${job.request.filename}`);
    const button = row.querySelector("button");
    button.textContent = isFinal(job) ? "Delete" : "Cancel";
    button.setAttribute("aria-label", `${button.textContent} ${job.request.filename}`);
    return row;
  }

  /** @param {import("./api.js").Job} job as it was listed: it is ended by what the button said then */
  async #end(job) {
    try {
      if (!isFinal(job)) await this.#api.cancel(job.id);
      else if (await mayDelete(job)) await this.#api.delete(job.id);
      else return;
      await this.show();
    } catch (error) {
      show(this.#problem, error);
    }
  }
}
