// Reads the frames of a result as they are done, and goes on where a connection broke.

import { pause } from "./api.js";
import { lines } from "./lines.js";
import { Problem } from "./problem.js";

const AGAIN_MS = 1000;

/**
 * @param {import("./api.js").Api} api
 * @param {string} id of the job
 * @param {import("./results.js").Results} results take the frames
 * @param {() => void} added called after each
 * @param {AbortSignal} signal ends it
 * @returns {Promise<void>} when there are no more
 * @throws {Problem}
 */
export async function readFrames(api, id, results, added, signal) {
  for (;;) {
    try {
      return await readOnce(api, id, results, added, signal);
    } catch (error) {
      if (signal.aborted || error instanceof Problem) throw error;
      await pause(AGAIN_MS, signal); // the job goes on, and the frames that are there are kept
    }
  }
}

/** @type {typeof readFrames} */
async function readOnce(api, id, results, added, signal) {
  let known = results.length;
  const response = await api.call(`jobs/${id}/result?format=ndjson`, { signal });
  for await (const line of lines(response)) {
    if (known > 0) {
      known -= 1;
      continue;
    }
    const frame = JSON.parse(line);
    if (frame.problem?.status === 503) throw new Error(frame.problem.detail); // it restarts: go on
    if (frame.problem) return; // the job ended without a result, which its events tell, too
    results.add(line, frame);
    added();
  }
}
