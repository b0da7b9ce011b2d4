// One job: its video with the objects that are found drawn over it, also while it runs.

import { Actions } from "./actions.js";
import { isFinal } from "./api.js";
import { Controls } from "./controls.js";
import { Downloads } from "./downloads.js";
import { follow } from "./follow.js";
import { clock, counted, deed, ratio } from "./format.js";
import { readFrames } from "./frames.js";
import { head } from "./head.js";
import { Look } from "./look.js";
import { note, Problem, show } from "./problem.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { Timeline } from "./timeline.js";
import { Viewer } from "./viewer.js";

export class JobView {
  #name = document.getElementById("job-name");
  #facts = document.getElementById("job-facts");
  #columns = document.getElementById("job-columns");
  #problem = document.getElementById("job-problem");
  #look = new Look();
  #viewer;
  #actions;
  #controls;
  #timeline;
  #downloads;
  #progress = new Progress(() => this.#cancel());
  #results = new Results(1, 1);
  #id = "";
  /** @type {AbortController | null} */
  #open = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {(file: File, request: import("./api.js").Job["request"]) => void} again called with what is to be run once more
   */
  constructor(api, again) {
    this.#api = api;
    this.#actions = new Actions(api, this.#problem, again);
    this.#downloads = new Downloads(api);
    this.#timeline = new Timeline(this.#look, (time_s) => this.#viewer.seek(time_s));
    this.#viewer = new Viewer(api, this.#look, (time_s, aim_s) => {
      this.#controls.moved(time_s, aim_s);
      this.#timeline.at(time_s);
    });
    this.#controls = new Controls(this.#viewer, (nth) => this.#timeline.toggleNth(nth));
  }

  #api;

  /**
   * @param {string} id
   * @param {File | null} file the video, where this page has it
   */
  async open(id, file) {
    this.close();
    this.#open = new AbortController();
    const { signal } = this.#open;
    try {
      const job = await this.#api.job(id, signal);
      if (signal.aborted) return;
      this.#begin(job);
      this.#actions.open(job, file);
      const ended = this.#follow(id, signal);
      const read = this.#read(job, ended, signal);
      await Promise.all([ended, read, this.#viewer.load(file, ended, signal), this.#tell(ended, read, signal)]);
    } catch (error) {
      if (signal.aborted) return;
      this.#name.classList.remove("loading");
      if (!this.#id) this.#name.textContent = "This video can't be shown";
      show(this.#problem, error, { label: "Try again", run: () => this.open(id, file) });
    }
  }

  close() {
    this.#open?.abort();
    this.#id = "";
    this.#results = new Results(1, 1);
    this.#viewer.close();
    this.#controls.close();
    this.#progress.reset();
    this.#downloads.clear();
    this.#look.showAll();
    this.#timeline.open(this.#results);
    this.#timeline.none(null);
    show(this.#problem, null);
    this.#name.textContent = "Loading…";
    this.#name.classList.add("loading");
    this.#facts.textContent = "";
    this.#columns.hidden = true;
  }

  /** @param {import("./api.js").Job} job */
  #begin(job) {
    const { width, height, duration_s, frame_count, fps } = job.video;
    const { filename, every } = job.request;
    this.#id = job.id;
    this.#columns.hidden = false;
    this.#results = new Results(duration_s, Math.ceil(frame_count / every));
    this.#name.classList.remove("loading");
    this.#name.textContent = filename;
    document.title = `${filename} · Rotograph`;
    this.#facts.textContent =
      `${width} × ${height} · ${clock(duration_s, 1)} · ${counted(frame_count, "frame")} · ${+ratio(fps).toFixed(2)} fps`;
    this.#controls.open(duration_s);
    this.#timeline.open(this.#results);
    this.#timeline.none(isFinal(job) ? "Loading…" : "They appear here as frames are done.");
    this.#viewer.open(job, this.#results);
  }

  /**
   * @param {string} id
   * @param {AbortSignal} signal
   * @returns {Promise<import("./api.js").Job | null>} the job when it is final; null where nobody wants it any more
   */
  async #follow(id, signal) {
    let last = null;
    for await (const job of follow(this.#api, id, signal)) {
      if (signal.aborted) return null;
      last = job;
      this.#progress.show(job);
      this.#viewer.update(job);
      this.#actions.update(job);
    }
    if (signal.aborted) return null;
    this.#downloads.show(last, signal);
    if (last.state !== "succeeded") this.#explain(last);
    return last;
  }

  /** @param {import("./api.js").Job} job that has no result */
  #explain(job) {
    const { frames_done: done, frames_total: total } = job.progress;
    if (job.problem) show(this.#problem, new Problem(job.problem));
    else note(this.#problem, "Canceled", `This was stopped after ${done} of ${counted(total, "frame")}, and has no result.`);
  }

  /**
   * Say what the result says as a whole.
   *
   * @param {Promise<import("./api.js").Job | null>} ended
   * @param {Promise<void>} read
   * @param {AbortSignal} signal
   */
  async #tell(ended, read, signal) {
    if ((await ended)?.state !== "succeeded") return;
    const { model, tracks, bytes } = await head(this.#api, this.#id, signal);
    await read; // so that all tracks are known
    if (signal.aborted) return;
    this.#downloads.tellSize("ndjson", this.#results.bytes);
    this.#downloads.tellSize("json", bytes + this.#results.bytes + 1); // the same frames, and brackets
    this.#facts.textContent += ` · model ${model.name} ${model.version}`;
    for (const { id, actions } of tracks) {
      const track = this.#results.tracks.get(id);
      if (track && actions) track.action = deed(actions[0]);
    }
    this.#timeline.update();
  }

  /**
   * Show frames as they come.
   *
   * @param {import("./api.js").Job} job
   * @param {Promise<import("./api.js").Job | null>} ended
   * @param {AbortSignal} signal
   */
  async #read(job, ended, signal) {
    const results = this.#results;
    if (job.state !== "failed" && job.state !== "canceled") {
      await readFrames(this.#api, job.id, results, () => {
        this.#timeline.update();
        if (results.tracks.size) this.#timeline.none(null);
        this.#viewer.grown();
      }, signal);
    }
    const last = await ended;
    if (last === null) return;
    const none = last.state === "succeeded" ? "Nothing was found that stands out." : "There are none: the job didn't end.";
    this.#timeline.none(results.tracks.size === 0 ? none : null);
    this.#timeline.update();
    this.#viewer.draw();
  }

  async #cancel() {
    try {
      await this.#api.cancel(this.#id);
    } catch (error) {
      show(this.#problem, error);
    }
  }
}
