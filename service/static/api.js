// The service's HTTP API as the page calls it: with the API key, and errors as problems.

import { Problem } from "./problem.js";

const WANT_A_KEY = new Set(["unauthorized", "key-unknown", "key-revoked"]);
const REASONS = {
  unauthorized: "This service wants an API key.",
  "key-unknown": "The service doesn't know this key. Try another one.",
  "key-revoked": "This key was revoked. Try another one.",
};

/**
 * @typedef {object} Job as `GET /jobs/{job_id}` shows it
 * @property {string} id
 * @property {"queued" | "running" | "succeeded" | "failed" | "canceled"} state
 * @property {{frames_done: number, frames_total: number}} progress
 * @property {{filename: string, instances: string, min_track_s: number, quality: string, actions: boolean, masks: "rle" | "none", every: number, start_s: number | null, end_s: number | null}} request
 * @property {{width: number, height: number, frame_count: number, fps: string, duration_s: number, pixel_aspect: string}} video
 * @property {string} created_at
 * @property {object | null} problem
 */

/** @param {Job} job */
export function isFinal(job) {
  return job.state === "succeeded" || job.state === "failed" || job.state === "canceled";
}

export class Api {
  /** @param {import("./key.js").Key} key */
  constructor(key) {
    this.key = key;
  }

  /**
   * Send a request, and once more with another key where it needs one.
   *
   * @param {string} path relative to the page, which a proxy may show below a path of its own
   * @param {RequestInit} [init]
   * @returns {Promise<Response>} that is ok
   * @throws {Problem}
   */
  async call(path, init = {}) {
    for (;;) {
      const used = this.key.value;
      const response = await this.#send(path, init);
      if (response.ok) return response;
      const problem = await Problem.of(response);
      if (!await this.mayRetry(problem, used)) throw problem;
    }
  }

  /**
   * Say whether a refused request has better prospects now: with a key that was just given.
   *
   * @param {Problem} problem
   * @param {string} used the key that was refused
   */
  async mayRetry(problem, used) {
    if (!WANT_A_KEY.has(problem.slug)) return false;
    return this.key.value !== used || await this.key.ask(REASONS[problem.slug]);
  }

  /** @param {string} path @param {RequestInit} init */
  async #send(path, init) {
    try {
      return await fetch(path, { ...init, headers: { ...init.headers, ...this.key.headers() } });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw Problem.unreachable();
    }
  }

  /** @param {string} path @param {RequestInit} [init] */
  async json(path, init) {
    return (await this.call(path, init)).json();
  }

  /** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Job>} */
  job(id, signal) {
    return this.json(`jobs/${id}`, { signal });
  }

  /** @param {string} id of a job, which stays as it is where it is final */
  async cancel(id) {
    await this.call(`jobs/${id}/cancel`, { method: "POST" });
  }

  /** @param {string} id of a final job */
  async delete(id) {
    await this.call(`jobs/${id}`, { method: "DELETE" });
  }
}

/**
 * Wait, but not on.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal] ends it early
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
