// Sends a video to POST /segment, and tells how many of its bytes are there.

import { Problem } from "./problem.js";

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {Record<string, string>} options
 * @property {string} idempotencyKey the same when the same upload is tried again
 */

/**
 * @param {File} file
 * @param {Record<string, string>} options
 * @returns {Upload}
 */
export function newUpload(file, options) {
  // Not randomUUID: that is missing where the page comes over plain HTTP from another machine.
  const random = crypto.getRandomValues(new Uint8Array(16));
  const idempotencyKey = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { file, options, idempotencyKey };
}

/**
 * @param {import("./api.js").Api} api
 * @param {Upload} upload
 * @param {(sent: number, total: number) => void} progressed in bytes
 * @param {AbortSignal} signal stops it
 * @returns {Promise<string>} the id of the job
 * @throws {Problem}
 */
export async function send(api, upload, progressed, signal) {
  for (;;) {
    const used = api.key.value;
    const request = await transfer(api, upload, progressed, signal);
    if (request.status === 200 || request.status === 202) {
      return request.getResponseHeader("Location").split("/").at(-1);
    }
    const problem = Problem.parse(request.responseText, request.status);
    if (!await api.mayRetry(problem, used)) throw problem;
  }
}

/**
 * Send it once. `fetch` doesn't tell how much of a body is sent, so that this takes the older way.
 *
 * @returns {Promise<XMLHttpRequest>} answered
 */
function transfer(api, { file, options, idempotencyKey }, progressed, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", "segment");
  const headers = { ...api.key.headers(), Prefer: "respond-async", "Idempotency-Key": idempotencyKey };
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => progressed(event.loaded, event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(Problem.unreachable()));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}
