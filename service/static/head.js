// What a result says as a whole, such as what each track does, read without its frames.

/**
 * @param {import("./api.js").Api} api
 * @param {string} id of a job that succeeded
 * @param {AbortSignal} signal
 * @returns {Promise<{bytes: number, model: {name: string, version: string}, tracks: {id: number, actions?: {label: string, score: number}[]}[]}>}
 */
export async function head(api, id, signal) {
  const response = await api.call(`jobs/${id}/result?format=json`, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    text += value ?? "";
    // The frames come last, and the rest of a long result isn't wanted.
    const frames = /"frames":\s*\[/.exec(text);
    if (frames || done) {
      reader.cancel().catch(() => {});
      const said = JSON.parse(frames ? `${text.slice(0, frames.index)}"frames": []}` : text);
      return { ...said, bytes: frames ? frames.index + frames[0].length : text.length };
    }
  }
}
