// Draws the objects of a frame over it: masks, boxes and what they are called.

import { colourOf, css, inkOn } from "./colours.js";
import { deed } from "./format.js";
import { paint } from "./rle.js";

const TINT = 0.5;
const DARK = 0.72;

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
      if (found.segmentation && (look.masks || look.spotlight)) this.#mask(found, look.spotlight);
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

  /** @param {Found} found @param {boolean} cut out of the dark */
  #mask({ segmentation, box, track }, cut) {
    const [x, y, width, height] = box;
    const image = new ImageData(width, height);
    const [red, green, blue] = colourOf(track);
    const colour = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
    paint(segmentation, box, new Uint32Array(image.data.buffer), colour);
    this.#scratch.width = width;
    this.#scratch.height = height;
    this.#scratch.getContext("2d").putImageData(image, 0, 0);
    const context = this.#masks.getContext("2d");
    context.save();
    if (cut) context.globalCompositeOperation = "destination-out";
    else context.globalAlpha = TINT;
    context.drawImage(this.#scratch, x, y);
    context.restore();
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
