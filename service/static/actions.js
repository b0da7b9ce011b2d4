// What can be done with a job as a whole: run it again, delete it, or have it from elsewhere.

import { isFinal } from "./api.js";
import { mayDelete } from "./confirm.js";
import { show } from "./problem.js";

/** @param {string} id @returns {HTMLElement} */
const at = (id) => document.getElementById(id);

export class Actions {
  /** @type {import("./api.js").Job | null} */
  #job = null;
  /** @type {File | null} */
  #file = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {Element} problem where what goes wrong is shown
   * @param {(file: File, request: import("./api.js").Job["request"]) => void} again called with what is to be run once more
   */
  constructor(api, problem, again) {
    this.#api = api;
    this.#problem = problem;
    this.#again = again;
    at("job-again").addEventListener("click", () => this.#do(() => this.#runAgain()));
    at("job-delete").addEventListener("click", () => this.#do(() => this.#delete()));
    for (const name of ["id", "curl"]) {
      at(`copy-${name}`).addEventListener("click", () => copy(at(`job-${name}`), at("copy-news")));
    }
  }

  #api;
  #problem;
  #again;

  /**
   * @param {import("./api.js").Job} job
   * @param {File | null} file its video, where this page has it
   */
  open(job, file) {
    this.#file = file;
    at("copy-news").textContent = "";
    at("job-id").textContent = job.id;
    const key = this.#api.key.value ? " -H \"Authorization: Bearer $KEY\"" : "";
    at("job-curl").textContent = `curl -fsS${key} -o result.json '${new URL(`jobs/${job.id}/result?format=json`, location.href)}'`;
    this.update(job);
  }

  /** @param {import("./api.js").Job} job as it stands now */
  update(job) {
    this.#job = job;
    at("job-delete").hidden = !isFinal(job);
  }

  /** @param {() => Promise<void>} action */
  async #do(action) {
    try {
      await action();
    } catch (error) {
      show(this.#problem, error);
    }
  }

  async #runAgain() {
    const { id, request } = this.#job;
    const button = at("job-again");
    button.setAttribute("aria-disabled", "true");
    try {
      const got = this.#file ?? await (await this.#api.call(`jobs/${id}/video`)).blob();
      const file = got instanceof File ? got : new File([got], request.filename, { type: got.type });
      if (this.#job.id === id) this.#again(file, request);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  async #delete() {
    const job = this.#job;
    if (!await mayDelete(job)) return;
    await this.#api.delete(job.id);
    if (this.#job.id === job.id) location.hash = "#/";
  }
}

/** @param {Element} source @param {Element} news says what became of it */
async function copy(source, news) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    news.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source); // browsers keep the clipboard from plain HTTP
    news.textContent = "Selected, to be copied by you";
  }
}
