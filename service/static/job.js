// One job: its video with the objects that are found drawn over it, also while it runs.

import { isFinal, pause } from "./api.js";
import { Downloads, ready, whole } from "./downloads.js";
import { follow } from "./follow.js";
import { clock, counted, ratio, roughly, size } from "./format.js";
import { head } from "./head.js";
import { lines } from "./lines.js";
import { Overlay } from "./overlay.js";
import { Player } from "./player.js";
import { Problem, show } from "./problem.js";
import { Results } from "./results.js";
import { Timeline } from "./timeline.js";

const AGAIN_MS = 1000;
const HELD_S = 0.002;

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

export class JobView {
  /** @type {import("./overlay.js").Look} */
  #look = { masks: true, boxes: true, labels: true, spotlight: false, threshold: 0, hidden: new Set() };
  #overlay = new Overlay(at("overlay"));
  #player = new Player(at("video"), () => this.#draw());
  #timeline = new Timeline(this.#look, () => this.#draw(), (time_s) => this.#seek(time_s));
  #downloads;
  #results = new Results(1, 1);
  /** @type {import("./api.js").Job | null} */
  #job = null;
  /** @type {AbortController | null} */
  #open = null;
  /** Whether the player has the service's drawing of the video, since it can't play the video. */
  #rendered = false;
  #address = "";

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    this.#downloads = new Downloads(api);
    this.#listen();
  }

  #api;

  #listen() {
    const video = at("video");
    at("play").addEventListener("click", () => this.#player.toggle());
    at("back").addEventListener("click", () => this.#step(-1));
    at("forward").addEventListener("click", () => this.#step(1));
    at("seek").addEventListener("input", () => this.#seek(Number(at("seek").value)));
    at("stage").addEventListener("click", () => this.#player.toggle());
    at("job-cancel").addEventListener("click", () => this.#cancel());
    at("sound").addEventListener("click", () => { video.muted = !video.muted; });
    video.addEventListener("volumechange", () => at("sound").setAttribute("aria-pressed", String(video.muted)));
    for (const event of ["play", "pause"]) {
      video.addEventListener(event, () => {
        at("play").classList.toggle("playing", !video.paused);
        at("play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
      });
    }
    for (const name of ["masks", "boxes", "labels", "spotlight"]) {
      const box = at(`show-${name}`);
      box.addEventListener("change", () => { this.#look[name] = box.checked; this.#draw(); });
    }
    at("threshold").addEventListener("input", () => {
      this.#look.threshold = Number(at("threshold").value);
      at("threshold-value").textContent = this.#look.threshold.toFixed(2);
      this.#timeline.update();
      this.#draw();
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(at("overlay"));
  }

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
      await Promise.all([this.#source(job, file, signal), this.#follow(id, signal), this.#read(job, signal)]);
    } catch (error) {
      if (!signal.aborted) show(at("job-problem"), error, { label: "Try again", run: () => this.open(id, file) });
    }
  }

  close() {
    this.#open?.abort();
    this.#player.unload();
    URL.revokeObjectURL(this.#address);
    this.#job = null;
    this.#results = new Results(1, 1);
    this.#rendered = false;
    this.#look.hidden.clear();
    this.#overlay.clear();
    this.#timeline.open(this.#results);
    this.#timeline.none(null);
    show(at("job-problem"), null);
    for (const name of ["job-name", "job-facts", "frame", "clock"]) at(name).textContent = "";
    at("job-progress").hidden = true;
    at("downloads").replaceChildren();
    this.#note(null);
  }

  /** @param {import("./api.js").Job} job */
  #begin(job) {
    const { width, height, duration_s, frame_count, fps } = job.video;
    this.#job = job;
    this.#results = new Results(duration_s, Math.ceil(frame_count / job.request.every));
    at("job-name").textContent = job.request.filename;
    document.title = `${job.request.filename} · Rotograph`;
    at("job-facts").textContent =
      `${width} × ${height} · ${clock(duration_s, 1)} · ${counted(frame_count, "frame")} · ${+ratio(fps).toFixed(2)} fps`;
    at("seek").max = String(duration_s);
    this.#shape(width, height);
    this.#overlay.resize(width, height);
    this.#timeline.open(this.#results);
    this.#timeline.none(isFinal(job) ? null : "They appear here as frames are done.");
    this.#draw();
  }

  /** @param {number} width @param {number} height */
  #shape(width, height) {
    at("stage").style.setProperty("--ratio", String(width / height));
  }

  /** @param {string | null} text in place of the picture */
  #note(text) {
    at("stage-note").hidden = text === null;
    at("stage-note").textContent = text ?? "";
  }

  // The video

  /** @param {import("./api.js").Job} job @param {File | null} file @param {AbortSignal} signal */
  async #source(job, file, signal) {
    if (await this.#play(await this.#videoAddress(job, file, signal), signal)) return;
    if (signal.aborted) return;
    // Some videos no browser plays, such as most AVI files: the service draws those itself.
    this.#note("Your browser can't play this video. A copy that it can play comes when the job is done.");
    while (!isFinal(this.#job)) await pause(AGAIN_MS, signal);
    if (this.#job.state !== "succeeded") {
      this.#note("Your browser can't play this video.");
      return;
    }
    const waiting = (/** @type {number} */ waited_s) =>
      this.#note(`Your browser can't play this video. Making a copy that it can, ${roughly(waited_s)} so far…`);
    waiting(0);
    const response = await ready(this.#api, job.id, "overlay.mp4", waiting, signal);
    this.#rendered = true;
    const copy = await this.#blob(response);
    if (!await this.#play(copy, signal)) this.#note("Your browser can't play this video, nor a copy of it as H.264.");
  }

  /** @returns {Promise<string>} of what the video element can load */
  async #videoAddress(job, file, signal) {
    if (file) {
      this.#address = URL.createObjectURL(file);
      return this.#address;
    }
    if (!this.#api.key.value) return `/jobs/${job.id}/video`;
    // A video element can't send a key, so that the page itself has to fetch the file.
    return this.#blob(await this.#api.call(`/jobs/${job.id}/video`, { signal }));
  }

  /** @param {Response} response */
  async #blob(response) {
    const blob = await whole(response, (bytes) => this.#note(`Loading the video, ${size(bytes)} so far…`));
    this.#address = URL.createObjectURL(blob);
    return this.#address;
  }

  /** @param {string} address @param {AbortSignal} signal @returns {Promise<boolean>} whether it can */
  async #play(address, signal) {
    const playable = await this.#player.load(address);
    if (playable && !signal.aborted) {
      this.#note(null);
      this.#shape(at("video").videoWidth, at("video").videoHeight);
      this.#draw();
    }
    return playable;
  }

  // The job and its result

  /** @param {string} id @param {AbortSignal} signal */
  async #follow(id, signal) {
    /** @type {{done: number, at_ms: number} | null} */
    let first = null;
    for await (const job of follow(this.#api, id, signal)) {
      if (signal.aborted) return;
      this.#job = job;
      const now = { done: job.progress.frames_done, at_ms: performance.now() };
      if (job.state === "running") first ??= now;
      this.#progress(job, first && (now.at_ms - first.at_ms) / 1000 / (now.done - first.done));
    }
    if (signal.aborted) return;
    this.#downloads.show(this.#job, signal);
    this.#ended(this.#job);
    if (this.#job.state === "succeeded") this.#name(await head(this.#api, id, signal));
  }

  /** @param {import("./api.js").Job} job @param {number | null} aFrame_s seconds for each */
  #progress(job, aFrame_s) {
    const { frames_done: done, frames_total: total } = job.progress;
    at("job-progress").hidden = isFinal(job);
    if (done) at("job-bar").value = done / total;
    else at("job-bar").removeAttribute("value"); // the first frames come with the first segment
    let text = "Waiting for a worker…";
    if (job.state === "running") {
      const left_s = (total - done) * aFrame_s;
      text = `${done.toLocaleString("en")} of ${counted(total, "frame")}`;
      if (Number.isFinite(left_s) && left_s > 0) text += `, about ${roughly(left_s)} left`;
    }
    at("job-state").textContent = text;
    // Said aloud at each tenth only.
    const tenth = Math.floor((10 * done) / total) * 10;
    const news = job.state === "running" ? `${tenth} percent done` : text;
    if (at("job-news").textContent !== news) at("job-news").textContent = news;
  }

  /** @param {import("./api.js").Job} job */
  #ended(job) {
    if (job.problem) show(at("job-problem"), new Problem(job.problem));
    if (job.state === "canceled") {
      const { frames_done: done, frames_total: total } = job.progress;
      show(at("job-problem"), new Problem({
        title: "Canceled",
        detail: `This was stopped after ${done} of ${counted(total, "frame")}, and has no result.`,
      }));
    }
  }

  /** Frames that come are shown at once. @param {import("./api.js").Job} job @param {AbortSignal} signal */
  async #read(job, signal) {
    if (job.state === "failed" || job.state === "canceled") return;
    let broken = false;
    do {
      try {
        await this.#readOnce(job, signal);
        broken = false;
      } catch (error) {
        if (signal.aborted || error instanceof Problem) throw error;
        broken = true; // the connection; the job goes on, and the frames that are there are kept
        await pause(AGAIN_MS, signal);
      }
    } while (broken && !signal.aborted);
    this.#timeline.none(this.#results.tracks.size === 0 && !signal.aborted ? "Nothing was found that stands out." : null);
    this.#timeline.update();
    this.#draw();
  }

  /** @param {import("./api.js").Job} job @param {AbortSignal} signal */
  async #readOnce(job, signal) {
    const results = this.#results;
    let known = results.length;
    const response = await this.#api.call(`/jobs/${job.id}/result?format=ndjson`, { signal });
    for await (const line of lines(response)) {
      if (known > 0) {
        known -= 1;
        continue;
      }
      const frame = JSON.parse(line);
      if (frame.problem) return; // the job ended without a result, which `follow` tells, too
      results.add(line, frame);
      this.#timeline.update();
      if (results.tracks.size) this.#timeline.none(null);
      if (results.length % 50 === 1) this.#draw();
    }
  }

  /** @param {Awaited<ReturnType<typeof head>>} told */
  #name({ model, tracks }) {
    at("job-facts").textContent += ` · model ${model.name} ${model.version}`;
    for (const { id, actions } of tracks) {
      const track = this.#results.tracks.get(id);
      if (track && actions && actions[0].label !== "none") track.action = actions[0].label;
    }
    this.#timeline.update();
  }

  async #cancel() {
    try {
      await this.#api.cancel(this.#job.id);
    } catch (error) {
      show(at("job-problem"), error);
    }
  }

  // The picture that is shown

  /** @returns {number} seconds between the player's time and the result's */
  #shift_s() {
    return this.#rendered && this.#results.length ? this.#results.time_s(0) : 0;
  }

  #draw() {
    if (!this.#job) return;
    const results = this.#results;
    const time_s = this.#player.time_s + this.#shift_s();
    const { every } = this.#job.request;
    const a_frame_s = 1 / ratio(this.#job.video.fps);
    const place = results.at(time_s);
    const late_s = place < 0 ? Infinity : time_s - results.time_s(place);
    const known = place + 1 < results.length || late_s < 1.5 * every * a_frame_s;
    const held = every > 1 && late_s > HELD_S;
    if (!known || place < 0 || this.#rendered) this.#overlay.clear();
    else this.#overlay.draw(results.frame(place).objects, this.#look);
    at("overlay").classList.toggle("held", held);
    this.#tell(time_s, known && place >= 0 ? results.frame(place) : null, held);
  }

  /** @param {number} time_s @param {import("./results.js").Frame | null} frame @param {boolean} held */
  #tell(time_s, frame, held) {
    const { duration_s } = this.#job.video;
    at("seek").value = String(time_s);
    at("clock").textContent = `${clock(time_s, 1)} / ${clock(duration_s, 1)}`;
    at("seek").setAttribute("aria-valuetext", `${clock(time_s, 1)} of ${clock(duration_s, 1)}`);
    this.#timeline.at(time_s);
    at("frame").textContent = this.#words(frame, held);
  }

  /** @returns {string} what is said of the frame */
  #words(frame, held) {
    if (!frame) return isFinal(this.#job) ? "This part was not looked at." : "Not done yet.";
    const shown = frame.objects.filter(
      ({ track, score }) => score >= this.#look.threshold && !this.#look.hidden.has(track),
    ).length;
    const hidden = frame.objects.length - shown;
    const found = `${counted(shown, "object")}${hidden ? ` (${hidden} hidden)` : ""}`;
    if (this.#rendered) {
      return `Frame ${frame.index} · drawn by the service, since your browser can't play the video: nothing can be hidden in it.`;
    }
    return held ? `After frame ${frame.index} · ${found} as it was there` : `Frame ${frame.index} · ${found}`;
  }

  /** @param {number} time_s of the video */
  #seek(time_s) {
    this.#player.seek(time_s - this.#shift_s());
  }

  /** Show the next frame of the result, or the one before. @param {number} by 1 or -1 */
  #step(by) {
    const results = this.#results;
    if (!this.#job || !results.length) return;
    this.#player.pause();
    const now = results.at(this.#player.aim_s + this.#shift_s());
    const place = Math.max(0, Math.min(now + by, results.length - 1));
    // Into the frame rather than to its edge, where the player may take the one before.
    const a_frame_s = 1 / ratio(this.#job.video.fps);
    const start_s = results.time_s(place);
    const next_s = place + 1 < results.length ? results.time_s(place + 1) : start_s + a_frame_s;
    this.#seek(start_s + Math.min((next_s - start_s) / 2, a_frame_s / 4));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#job || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input:not([type=checkbox]), select, textarea, dialog")) return; // keys of their own
    const jump_s = event.shiftKey ? 1 : 0;
    if (event.key === "ArrowRight") jump_s ? this.#seek(this.#player.aim_s + this.#shift_s() + jump_s) : this.#step(1);
    else if (event.key === "ArrowLeft") jump_s ? this.#seek(this.#player.aim_s + this.#shift_s() - jump_s) : this.#step(-1);
    else if (event.key === " " && !target.closest("button, a, summary, input")) this.#player.toggle();
    else if (/^[1-9]$/.test(event.key)) this.#timeline.toggleNth(Number(event.key) - 1);
    else return;
    event.preventDefault();
  }
}
