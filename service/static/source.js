// Where the player gets its video: the file just dropped, the upload, or a copy that any browser plays.

import { ready, whole } from "./downloads.js";
import { roughly, size } from "./format.js";

const CANT = "Your browser can't play this video.";

export class Source {
  /** Whether the player has the service's drawing of the video, since it can't play the video. */
  rendered = false;
  #address = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./player.js").Player} player
   * @param {(text: string | null) => void} note says something in place of the picture
   */
  constructor(api, player, note) {
    this.#api = api;
    this.#player = player;
    this.#note = note;
  }

  #api;
  #player;
  #note;

  close() {
    this.#player.unload();
    URL.revokeObjectURL(this.#address);
    this.#address = "";
    this.rendered = false;
    this.#note(null);
  }

  /**
   * @param {import("./api.js").Job} job
   * @param {File | null} file the video, where this page has it
   * @param {Promise<import("./api.js").Job | null>} ended the job when it is final
   * @param {AbortSignal} signal ends it
   * @returns {Promise<boolean>} whether there is something to play
   */
  async open(job, file, ended, signal) {
    if (await this.#play(await this.#uploaded(job, file, signal), signal)) return true;
    if (signal.aborted) return false;
    // Some videos no browser plays, such as most AVI files: the service draws those itself.
    this.#note(`${CANT} A copy that it can play comes when the job is done.`);
    if ((await ended)?.state !== "succeeded") {
      if (!signal.aborted) this.#note(CANT);
      return false;
    }
    const waiting = (/** @type {number} */ waited_s) =>
      this.#note(`${CANT} Making a copy that it can, ${roughly(waited_s)} so far…`);
    waiting(0);
    const copy = await this.#fetched(await ready(this.#api, job.id, "overlay.mp4", waiting, signal));
    this.rendered = await this.#play(copy, signal);
    if (!this.rendered && !signal.aborted) this.#note("Your browser can't play this video, nor a copy of it as H.264.");
    return this.rendered;
  }

  /** @returns {Promise<string>} the address of the upload */
  async #uploaded(job, file, signal) {
    this.#note("Loading the video…");
    if (file) {
      this.#address = URL.createObjectURL(file);
      return this.#address;
    }
    if (!this.#api.key.value) return `jobs/${job.id}/video`;
    // A video element can't send a key, so that the page itself has to fetch the file.
    return this.#fetched(await this.#api.call(`jobs/${job.id}/video`, { signal }));
  }

  /** @param {Response} response */
  async #fetched(response) {
    const blob = await whole(response, (bytes) => this.#note(`Loading the video, ${size(bytes)} so far…`));
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(blob);
    return this.#address;
  }

  /** @param {string} address @param {AbortSignal} signal @returns {Promise<boolean>} whether it can */
  async #play(address, signal) {
    if (signal.aborted || !await this.#player.load(address) || signal.aborted) return false;
    this.#note(null);
    return true;
  }
}
