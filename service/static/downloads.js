// The result in each format that the service has, and the wait for those that are made on demand.

import { pause } from "./api.js";
import { roughly, size } from "./format.js";
import { Problem } from "./problem.js";

const NOT_YET = new Set(["not-rendered", "renderer-busy"]);
/** What each is good for; those that are made on demand are kept with the job. */
const GROUPS = {
  Watch: [{ name: "overlay.mp4", about: "everything drawn in" }],
  Edit: [
    { name: "alpha.webm", about: "cut out, transparent", masks: true },
    { name: "mattes.zip", about: "grey mattes by track", masks: true },
  ],
  Train: [
    { name: "davis.zip", about: "palette PNGs", masks: true },
    { name: "coco.json", about: "COCO JSON" },
    { name: "ytvis.json", about: "YouTube-VIS JSON", masks: true },
    { name: "cvat.xml", about: "CVAT for video" },
    { name: "labelstudio.json", about: "Label Studio" },
    { name: "json", about: "one document" },
    { name: "ndjson", about: "a frame a line" },
  ],
};

/** @param {string} id of the job @param {string} format @returns {string} */
function address(id, format) {
  return format.includes(".") ? `jobs/${id}/files/${format}` : `jobs/${id}/result?format=${format}`;
}

/**
 * Ask for a result in a format until it is made.
 *
 * @param {import("./api.js").Api} api
 * @param {string} id of the job
 * @param {string} format
 * @param {(waited_s: number) => void} waiting called now and then meanwhile
 * @param {AbortSignal} signal ends it
 * @param {Record<string, string>} [headers]
 * @returns {Promise<Response>} that is ready, its body not read yet
 */
export async function ready(api, id, format, waiting, signal, headers = {}) {
  const since = performance.now();
  for (;;) {
    try {
      const wait = { ...headers, Prefer: "wait=2" };
      return await api.call(address(id, format), { headers: wait, signal });
    } catch (error) {
      if (!(error instanceof Problem) || !NOT_YET.has(error.slug)) throw error;
      waiting((performance.now() - since) / 1000);
      await pause(error.retryAfter_s * 1000, signal);
      signal.throwIfAborted();
    }
  }
}

/**
 * Read a body whole: browsers keep large ones on disk.
 *
 * @param {Response} response
 * @param {(bytes: number) => void} progressed
 * @returns {Promise<Blob>}
 */
export function whole(response, progressed) {
  let bytes = 0;
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      progressed(bytes);
      controller.enqueue(chunk);
    },
  }));
  const type = response.headers.get("Content-Type") ?? "";
  return new Response(counted, { headers: { "Content-Type": type } }).blob();
}

export class Downloads {
  #list = document.getElementById("downloads");
  #none = document.getElementById("downloads-none");
  #news = document.getElementById("downloads-news");

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  #api;

  /** Offer nothing yet. */
  clear() {
    this.#list.replaceChildren();
    this.#news.textContent = "";
    this.#none.hidden = false;
    this.#none.textContent = "Ready when the last frame is done.";
  }

  /**
   * @param {import("./api.js").Job} job that is final
   * @param {AbortSignal} signal ends what is under way
   */
  show(job, signal) {
    this.#list.replaceChildren();
    this.#none.hidden = job.state === "succeeded";
    this.#none.textContent = "There is nothing: the job didn't end.";
    if (job.state !== "succeeded") return;
    for (const [title, formats] of Object.entries(GROUPS)) {
      const offered = formats.filter((format) => !format.masks || job.request.masks !== "none");
      if (!offered.length) continue;
      const heading = document.createElement("h3");
      heading.textContent = title;
      const rows = document.createElement("ul");
      rows.append(...offered.map((format) => this.#row(job, format, signal)));
      this.#list.append(heading, rows);
    }
  }

  /** @param {string} name of a format @param {number} bytes that its file has */
  tellSize(name, bytes) {
    const row = this.#list.querySelector(`[data-format="${name}"]`);
    if (row) row.querySelector(".size").textContent = size(bytes);
  }

  #row(job, { name, about }, signal) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("download-template"));
    const row = /** @type {HTMLElement} */ (template.content.cloneNode(true).firstElementChild);
    row.dataset.format = name;
    row.querySelector(".format").textContent = name;
    row.querySelector(".about").textContent = about;
    const button = row.querySelector("button");
    const state = row.querySelector(".download-state");
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      state.classList.remove("bad");
      this.#news.textContent = `Making ${name}`;
      try {
        await this.#save(job, name, (text) => { state.textContent = text; }, signal);
        state.textContent = "";
        this.#news.textContent = `${name} is on its way`;
      } catch (error) {
        if (signal.aborted) return;
        state.classList.add("bad");
        state.textContent = error instanceof Problem ? `${error.title}. ${error.detail}` : String(error);
        this.#news.textContent = state.textContent;
      } finally {
        button.removeAttribute("aria-disabled");
      }
    });
    return row;
  }

  async #save(job, name, tell, signal) {
    const waiting = (/** @type {number} */ waited_s) => tell(`Being made, ${roughly(waited_s)} so far…`);
    tell("Asking…");
    const keyed = this.#api.key.value !== "";
    // Without a key the browser's own download takes over: this only asks whether it is there.
    const first = keyed ? {} : { Range: "bytes=0-0" };
    const response = await ready(this.#api, job.id, name, waiting, signal, first);
    const link = document.createElement("a");
    link.download = filename(response) ?? `${job.request.filename.replace(/\.[^.]*$/, "")}.${name}`;
    if (keyed) {
      // A link can't send a key, so that the page itself has to fetch the file.
      const blob = await whole(response, (bytes) => tell(`${size(bytes)} so far…`));
      this.tellSize(name, blob.size);
      link.href = URL.createObjectURL(blob);
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } else {
      response.body.cancel();
      const [, bytes] = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "") ?? [];
      if (bytes) this.tellSize(name, Number(bytes));
      link.href = address(job.id, name);
    }
    link.click();
  }
}

/** @param {Response} response @returns {string | null} the name that it has for the file */
function filename(response) {
  const named = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/.exec(named);
  return encoded ? decodeURIComponent(encoded[1]) : /filename="([^"]+)"/.exec(named)?.[1] ?? null;
}
