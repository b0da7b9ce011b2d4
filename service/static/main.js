// The page at /: which of its two views is shown, and what they share.

import { Api } from "./api.js";
import { UploadForm } from "./form.js";
import { JobView } from "./job.js";
import { JobList } from "./jobs.js";
import { Key } from "./key.js";
import { Problem } from "./problem.js";

const start = document.getElementById("start");
const view = document.getElementById("job");
const forget = document.getElementById("forget");

const key = new Key(() => { forget.hidden = !key.value; });
const api = new Api(key);
const jobs = new JobList(api);
const job = new JobView(api, (file, request) => form.choose(file, request));
/** The video that was just uploaded: it needn't be fetched again to be played. @type {{id: string, file: File} | null} */
let uploaded = null;

const form = new UploadForm(api, (id, file) => {
  uploaded = { id, file };
  location.hash = `#/jobs/${id}`;
});

/** Show what the address says. */
function route() {
  const [, id] = /^#\/jobs\/([0-9a-f]+)$/.exec(location.hash) ?? [];
  start.hidden = id !== undefined;
  view.hidden = id === undefined;
  if (id === undefined) {
    job.close();
    document.title = "Rotograph";
    jobs.show();
  } else {
    jobs.hide();
    job.open(id, uploaded?.id === id ? uploaded.file : null);
  }
}

/** Say whether the service takes up work, and offer only what its model can. */
async function tellService() {
  const told = document.getElementById("service");
  try {
    const { workers } = await api.json("readyz");
    const count = workers.length === 1 ? "" : ` × ${workers.length}`;
    const place = workers[0].device === "cuda" ? "CUDA" : "CPU";
    told.textContent = `Ready on ${place}${count}`;
    told.className = "service good";
    const { labels } = await api.json("models/default");
    document.getElementById("actions-option").hidden = labels.length === 0;
  } catch (error) {
    told.className = "service bad";
    told.textContent = error instanceof Problem ? error.detail : String(error);
  }
}

forget.hidden = !key.value;
forget.addEventListener("click", () => {
  key.forget();
  location.reload();
});
window.addEventListener("hashchange", () => {
  route();
  /** @type {HTMLElement} */ (document.querySelector("section:not([hidden]) > * > h1")).focus();
});
route();
tellService();
