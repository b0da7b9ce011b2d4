// Small pictures of the videos in the list, taken by the browser itself, one after another.

const PATIENCE_MS = 5000;
const START_S = 0.1; // the very first picture is often black

export class Thumbnails {
  #last = Promise.resolve();

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  #api;

  /**
   * Draw a picture of a job's video when those before it are drawn; none where no browser plays it.
   *
   * @param {string} id
   * @param {HTMLCanvasElement} canvas
   */
  draw(id, canvas) {
    this.#last = this.#last.then(async () => {
      // A video element can't send a key, and the whole video would be much for a small picture.
      if (canvas.isConnected && !this.#api.key.value) await draw(`jobs/${id}/video`, canvas);
    });
  }
}

/** @param {string} address @param {HTMLCanvasElement} canvas */
async function draw(address, canvas) {
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  video.src = `${address}#t=${START_S}`;
  await new Promise((resolve) => {
    for (const event of ["loadeddata", "error"]) video.addEventListener(event, resolve, { once: true });
    setTimeout(resolve, PATIENCE_MS);
  });
  const { videoWidth, videoHeight } = video;
  if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && videoWidth) {
    const scale = Math.max(canvas.width / videoWidth, canvas.height / videoHeight);
    const [width, height] = [videoWidth * scale, videoHeight * scale];
    const place = [(canvas.width - width) / 2, (canvas.height - height) / 2];
    canvas.getContext("2d").drawImage(video, place[0], place[1], width, height);
  }
  video.removeAttribute("src");
  video.load();
}
