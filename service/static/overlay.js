// Draws the objects of a frame over it: masks, boxes and what they are called.

import { colourOf, css, inkOn } from "./colours.js";
import { deed } from "./format.js";
import { paint } from "./rle.js";

const DARK = 0.72;
const OUTLINE_PX = 1.5; // on the screen

/** @typedef {import("./results.js").Found} Found */

export class Overlay {
  /** Has the pixels of the video, as masks do; the browser scales it. */
  #masks = /** @type {HTMLCanvasElement} */ (document.getElementById("masks"));
  /** Has the pixels of the screen, so that lines and letters are sharp however small the video is. */
  #marks = /** @type {HTMLCanvasElement} */ (document.getElementById("marks"));
  #scratch = document.createElement("canvas");

  /** @param {number} width @param {number} height of the video's pictures */
  resize(width, height) {
    this.#masks.width = width;
    this.#masks.height = height;
  }

  clear() {
    for (const canvas of [this.#masks, this.#marks]) {
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    }
  }

  /**
   * @param {Found[]} objects
   * @param {import("./look.js").Look} look
   * @param {boolean} held paler, since they are those of an earlier picture
   */
  draw(objects, look, held) {
    this.#fit();
    this.clear();
    for (const canvas of [this.#masks, this.#marks]) canvas.classList.toggle("held", held);
    const shown = objects.filter((found) => look.shows(found));
    if (look.spotlight) this.#darken();
    for (const found of shown) {
      if (found.segmentation && (look.masks || look.spotlight)) this.#mask(found, look);
    }
    for (const found of shown) {
      if (look.boxes) this.#box(found);
      if (look.labels) this.#label(found);
    }
  }

  /** Give the marks as many pixels as the screen has there. */
  #fit() {
    const width = Math.round(this.#marks.clientWidth * devicePixelRatio);
    const height = Math.round(this.#marks.clientHeight * devicePixelRatio);
    if (this.#marks.width !== width) this.#marks.width = width;
    if (this.#marks.height !== height) this.#marks.height = height;
  }

  #darken() {
    const context = this.#masks.getContext("2d");
    context.fillStyle = `rgb(0 0 0 / ${DARK})`;
    context.fillRect(0, 0, this.#masks.width, this.#masks.height);
  }

  /** @param {Found} found @param {import("./look.js").Look} look */
  #mask({ segmentation, box, track }, look) {
    const [x, y, width, height] = box;
    const image = new ImageData(width, height);
    const [red, green, blue] = colourOf(track);
    const colour = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
    paint(segmentation, box, new Uint32Array(image.data.buffer), colour);
    if (!look.spotlight) this.#tint(image, look.tint);
    this.#scratch.width = width;
    this.#scratch.height = height;
    this.#scratch.getContext("2d").putImageData(image, 0, 0);
    const context = this.#masks.getContext("2d");
    context.save();
    if (look.spotlight) context.globalCompositeOperation = "destination-out"; // cut out of the dark
    context.drawImage(this.#scratch, x, y);
    context.restore();
  }

  /**
   * Let the video be seen through a mask, but not through its outline.
   *
   * @param {ImageData} image opaque where the mask is
   * @param {number} opacity
   */
  #tint({ data, width, height }, opacity) {
    const line = Math.max(1, Math.round((OUTLINE_PX * this.#masks.width) / (this.#masks.clientWidth || Infinity)));
    const inside = new Uint8Array(width * height);
    for (let at = 0; at < inside.length; at += 1) inside[at] = data[4 * at + 3] && 1;
    const alpha = Math.round(255 * opacity);
    for (let y = line; y < height - line; y += 1) {
      for (let x = line; x < width - line; x += 1) {
        const at = y * width + x;
        const around = inside[at - line] & inside[at + line] & inside[at - line * width] & inside[at + line * width];
        if (inside[at] & around) data[4 * at + 3] = alpha;
      }
    }
  }

  /** @param {Found} found @returns {[number, number, number, number]} its box on the screen */
  #place({ box: [x, y, width, height] }) {
    const across = this.#marks.width / this.#masks.width;
    const down = this.#marks.height / this.#masks.height;
    return [x * across, y * down, width * across, height * down];
  }

  /** @param {Found} found */
  #box(found) {
    const [x, y, width, height] = this.#place(found);
    const line = 2 * devicePixelRatio;
    const context = this.#marks.getContext("2d");
    context.strokeStyle = css(found.track);
    context.lineWidth = line;
    context.strokeRect(x + line / 2, y + line / 2, Math.max(1, width - line), Math.max(1, height - line));
  }

  /** @param {Found} found */
  #label(found) {
    const { track, score, action } = found;
    const [x, y] = this.#place(found);
    const scale = devicePixelRatio;
    const context = this.#marks.getContext("2d");
    const text = [track, deed(action), score.toFixed(2)].filter(Boolean).join(" ");
    context.font = `600 ${13 * scale}px system-ui, sans-serif`;
    const width = context.measureText(text).width + 12 * scale;
    const height = 20 * scale;
    const left = Math.max(0, Math.min(x, this.#marks.width - width));
    const top = Math.max(0, y - height);
    context.fillStyle = css(track);
    context.fillRect(left, top, width, height);
    context.fillStyle = inkOn(track);
    context.textBaseline = "middle";
    context.fillText(text, left + 6 * scale, top + height / 2 + scale);
  }
}
