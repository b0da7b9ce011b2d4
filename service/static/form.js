// The form where a video is dropped or chosen, its options, and the view of its upload.

import { size } from "./format.js";
import { show } from "./problem.js";
import { newUpload, send } from "./upload.js";

export class UploadForm {
  #form = /** @type {HTMLFormElement} */ (document.getElementById("upload"));
  #sending = document.getElementById("sending");
  #bar = /** @type {HTMLProgressElement} */ (document.getElementById("sending-progress"));
  #problem = document.getElementById("upload-problem");
  #options = this.#form.querySelector("details");
  /** @type {File | null} the video that waits to be started */
  #file = null;
  /** @type {AbortController | null} */
  #stop = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {(id: string, file: File) => void} accepted called with the job that an upload became
   */
  constructor(api, accepted) {
    this.#api = api;
    this.#accepted = accepted;
    const input = /** @type {HTMLInputElement} */ (this.#form.elements.namedItem("file"));
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = ""; // so that choosing the same file again is a change
      if (file) this.choose(file);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#file) this.#send(newUpload(this.#file, this.#chosen()));
    });
    document.getElementById("chosen-other").addEventListener("click", () => {
      this.#wait(null);
      input.click();
    });
    document.getElementById("sending-stop").addEventListener("click", () => this.#stop?.abort());
    this.#listenForDrops();
  }

  #api;
  #accepted;

  /** The whole page takes drops: a file that misses the form must not replace the page. */
  #listenForDrops() {
    const marked = (/** @type {boolean} */ on) => this.#form.classList.toggle("over", on);
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      marked(true);
    });
    document.addEventListener("dragleave", (event) => marked(event.relatedTarget !== null));
    document.addEventListener("drop", (event) => {
      marked(false);
      const [file] = event.dataTransfer.files;
      if (!file) return;
      event.preventDefault();
      if (!this.#stop) this.choose(file);
    });
  }

  /** @param {string} name @returns {HTMLInputElement} the field of an option */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem(name));
  }

  /** @returns {Record<string, string>} the options that differ from the service's defaults */
  #chosen() {
    const options = { instances: this.#field("instances").value, quality: this.#field("quality").value };
    if (!this.#field("actions").checked) options.actions = "false";
    for (const name of ["min_track_s", "start_s", "end_s"]) {
      if (this.#field(name).value) options[name] = this.#field(name).value;
    }
    return options;
  }

  /**
   * Take a video, and show its options before it is started.
   *
   * @param {File} file
   * @param {import("./api.js").Job["request"] | null} [request] has the options to begin with
   */
  choose(file, request = null) {
    if (this.#form.closest("section").hidden) location.hash = "#/"; // dropped on a job's view
    if (request) {
      for (const name of ["instances", "quality"]) this.#field(name).value = request[name];
      this.#field("actions").checked = request.actions;
      this.#field("min_track_s").value = String(request.min_track_s);
      this.#field("start_s").value = String(request.start_s || "");
      this.#field("end_s").value = String(request.end_s ?? "");
    }
    show(this.#problem, null);
    this.#wait(file);
    document.getElementById("chosen-start").focus();
  }

  /** @param {File | null} file shown as the one to be started; null for none */
  #wait(file) {
    this.#file = file;
    for (const id of ["chosen", "chosen-actions"]) document.getElementById(id).hidden = !file;
    this.#form.querySelector(".drop").hidden = file !== null;
    this.#options.open = file !== null;
    document.getElementById("chosen-name").textContent = file?.name ?? "";
    document.getElementById("chosen-size").textContent = file ? size(file.size) : "";
  }

  /** @param {import("./upload.js").Upload} upload */
  async #send(upload) {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    show(this.#problem, null);
    document.getElementById("sending-name").textContent = upload.file.name;
    this.#progress(0, upload.file.size);
    this.#showSending(true);
    try {
      const id = await send(this.#api, upload, (sent, total) => this.#progress(sent, total), signal);
      this.#wait(null);
      this.#accepted(id, upload.file);
    } catch (error) {
      if (!signal.aborted) {
        // Sent again it is the same request, so that it can't become two jobs.
        const again = { label: "Try again", run: () => this.#send(upload) };
        show(this.#problem, error, error.status >= 400 && error.status < 500 ? undefined : again);
      }
    } finally {
      this.#stop = null;
      this.#showSending(false);
    }
  }

  /** @param {number} sent @param {number} total */
  #progress(sent, total) {
    document.getElementById("sending-bytes").textContent = `${size(sent)} of ${size(total)}`;
    const all = sent >= total;
    if (all) this.#bar.removeAttribute("value");
    else this.#bar.value = sent / total;
    const state = document.getElementById("sending-state");
    const text = all ? "Looking at the file…" : "Uploading…";
    if (state.textContent !== text) state.textContent = text; // screen readers hear a change only
  }

  /** @param {boolean} on */
  #showSending(on) {
    this.#form.hidden = on;
    this.#sending.hidden = !on;
    if (on) document.getElementById("sending-stop").focus();
  }
}
