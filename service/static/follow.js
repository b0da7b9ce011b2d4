// How a job goes on: looked at again and again until it is final.

import { isFinal, pause } from "./api.js";

const FIRST_MS = 300;
const LONGEST_MS = 2000;

/**
 * @param {import("./api.js").Api} api
 * @param {string} id
 * @param {AbortSignal} signal ends it
 * @returns {AsyncGenerator<import("./api.js").Job>} the job as it stands, the last time when it is final
 */
export async function* follow(api, id, signal) {
  let wait = FIRST_MS;
  while (!signal.aborted) {
    const job = await api.job(id, signal);
    yield job;
    if (isFinal(job)) return;
    await pause(wait, signal);
    wait = Math.min(wait * 1.5, LONGEST_MS);
  }
}
