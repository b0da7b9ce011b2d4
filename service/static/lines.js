// A body of newline-delimited JSON, line by line as it comes.

const BUSY_MS = 12;

/**
 * @param {Response} response
 * @returns {AsyncGenerator<string>} the lines, without their ends
 */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let since = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const line of parts) {
        yield line;
        if (performance.now() - since > BUSY_MS) {
          // Without a rest for the browser a long result would hold up the page until its end.
          await new Promise((resolve) => { setTimeout(resolve); });
          since = performance.now();
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // who stops early wants no more, and the broken can't
  }
}
