// Draws the objects of a frame over it: masks, boxes and what they are called.

import { colourOf, css } from "./colours.js";
import { paint } from "./rle.js";

const TINT = 0.5;
const DARK = 0.72;

/**
 * @typedef {object} Look what is drawn, and how
 * @property {boolean} masks
 * @property {boolean} boxes
 * @property {boolean} labels
 * @property {boolean} spotlight darken what is no object, rather than tint what is one
 * @property {number} threshold objects with lower scores are left out
 * @property {Set<number>} hidden tracks that are left out
 */

export class Overlay {
  #scratch = document.createElement("canvas");

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  #canvas;
  #context;

  /** @param {number} width @param {number} height of the video's pictures */
  resize(width, height) {
    this.#canvas.width = width;
    this.#canvas.height = height;
  }

  clear() {
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /**
   * @param {import("./results.js").Found[]} objects
   * @param {Look} look
   */
  draw(objects, look) {
    this.clear();
    const shown = objects.filter(({ score, track }) => score >= look.threshold && !look.hidden.has(track));
    if (look.spotlight) this.#darken();
    for (const found of shown) {
      if (found.segmentation && (look.masks || look.spotlight)) this.#mask(found, look.spotlight);
    }
    for (const found of shown) {
      if (look.boxes) this.#box(found);
      if (look.labels) this.#label(found);
    }
  }

  #darken() {
    this.#context.fillStyle = `rgb(0 0 0 / ${DARK})`;
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** @param {import("./results.js").Found} found @param {boolean} cut out of the dark */
  #mask({ segmentation, box, track }, cut) {
    const [x, y, width, height] = box;
    const image = new ImageData(width, height);
    const [red, green, blue] = colourOf(track);
    const colour = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
    paint(segmentation, box, new Uint32Array(image.data.buffer), colour);
    this.#scratch.width = width;
    this.#scratch.height = height;
    this.#scratch.getContext("2d").putImageData(image, 0, 0);
    this.#context.save();
    if (cut) this.#context.globalCompositeOperation = "destination-out";
    else this.#context.globalAlpha = TINT;
    this.#context.drawImage(this.#scratch, x, y);
    this.#context.restore();
  }

  /** @returns {number} pixels of the picture in one of the screen */
  #scale() {
    return Math.max(this.#canvas.width / (this.#canvas.clientWidth || this.#canvas.width), 0.5);
  }

  /** @param {import("./results.js").Found} found */
  #box({ box: [x, y, width, height], track }) {
    const line = Math.max(1, 2 * this.#scale());
    this.#context.strokeStyle = css(track);
    this.#context.lineWidth = line;
    this.#context.strokeRect(x + line / 2, y + line / 2, Math.max(1, width - line), Math.max(1, height - line));
  }

  /** @param {import("./results.js").Found} found */
  #label({ box: [x, y], track, score, action }) {
    const scale = this.#scale();
    const context = this.#context;
    const does = action && action.label !== "none" ? ` ${action.label.replaceAll("_", " ")}` : "";
    const text = `${track}${does} ${score.toFixed(2)}`;
    context.font = `600 ${12 * scale}px system-ui, sans-serif`;
    const width = context.measureText(text).width + 10 * scale;
    const height = 18 * scale;
    const left = Math.max(0, Math.min(x, this.#canvas.width - width));
    const top = Math.max(0, y - height);
    context.fillStyle = css(track);
    context.fillRect(left, top, width, height);
    context.fillStyle = "#000";
    context.textBaseline = "middle";
    context.fillText(text, left + 5 * scale, top + height / 2 + scale);
  }
}
