// How a job goes on: told by its events, or looked at again and again where those can't be had.

import { isFinal, pause } from "./api.js";
import { lines } from "./lines.js";

const FIRST_MS = 300;
const LONGEST_MS = 2000;

/** @typedef {import("./api.js").Job} Job */

/**
 * @param {import("./api.js").Api} api
 * @param {string} id
 * @param {AbortSignal} signal ends it
 * @returns {AsyncGenerator<Job>} the job as it stands, the last time when it is final
 */
export async function* follow(api, id, signal) {
  let job = await api.job(id, signal);
  yield job;
  if (isFinal(job)) return;
  try {
    for await (const { name, data } of events(api, id, signal)) {
      if (name === "progress") job = { ...job, state: data.state, progress: data };
      else if (name === "succeeded" || name === "failed" || name === "canceled") job = data;
      else continue;
      yield job;
      if (isFinal(job)) return;
    }
  } catch (error) {
    if (signal.aborted || error.status === 401 || error.status === 403) throw error;
    // A proxy may not pass streams on, and a connection may break: go on without.
  }
  yield* poll(api, id, signal);
}

/**
 * Read server-sent events. Not with `EventSource`, which can't send a key.
 *
 * @param {import("./api.js").Api} api
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{name: string, data: any}>}
 */
async function* events(api, id, signal) {
  const response = await api.call(`jobs/${id}/events`, { signal, headers: { Accept: "text/event-stream" } });
  let name = "";
  for await (const line of lines(response)) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) yield { name, data: JSON.parse(line.slice(6)) };
  }
}

/** @param {import("./api.js").Api} api @param {string} id @param {AbortSignal} signal @returns {AsyncGenerator<Job>} */
async function* poll(api, id, signal) {
  let wait = FIRST_MS;
  while (!signal.aborted) {
    const job = await api.job(id, signal);
    yield job;
    if (isFinal(job)) return;
    await pause(wait, signal);
    wait = Math.min(wait * 1.5, LONGEST_MS);
  }
}
