// COCO run lengths (the compressed string of pycocotools) painted into pixels.

/**
 * Read the run lengths: of background and foreground in turn, down the columns.
 *
 * Each number is in groups of five bits, the lowest first; from the fourth number on it is what
 * differs from the one two before.
 *
 * @param {string} counts
 * @returns {number[]}
 */
export function runs(counts) {
  const lengths = [];
  let at = 0;
  while (at < counts.length) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      group = counts.charCodeAt(at) - 48;
      value |= (group & 31) << shift;
      shift += 5;
      at += 1;
    } while (group & 32);
    if (group & 16 && shift < 32) value |= -1 << shift;
    if (lengths.length > 2) value += lengths[lengths.length - 2];
    lengths.push(value);
  }
  return lengths;
}

/**
 * Paint the part of a mask that lies in its box.
 *
 * @param {{size: [number, number], counts: string}} mask
 * @param {[number, number, number, number]} box x, y, width, height
 * @param {Uint32Array} pixels of the box, row after row
 * @param {number} colour of the foreground
 */
export function paint(mask, box, pixels, colour) {
  const [height] = mask.size;
  const [left, top, boxWidth, boxHeight] = box;
  let position = 0;
  let inside = false;
  for (const length of runs(mask.counts)) {
    const stop = position + length;
    while (inside && position < stop) {
      const column = Math.floor(position / height);
      const row = position - column * height;
      const last = Math.min(row + stop - position, height); // a run may go on in the next column
      const x = column - left;
      if (x >= 0 && x < boxWidth) {
        const end = Math.min(last - top, boxHeight);
        for (let y = Math.max(row - top, 0); y < end; y += 1) pixels[y * boxWidth + x] = colour;
      }
      position += last - row;
    }
    position = stop;
    inside = !inside;
  }
}
