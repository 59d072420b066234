/** What the stage shows: the layers composed, and over them, in red, what the mask of the chosen layer hides. */

import { Composer } from "./compose.js";

const VEIL = [220, 30, 30];
const VEIL_SHARE = 0.6;

export class Picture {
  constructor(parts) {
    this.canvas = parts.canvas.getContext("2d", { willReadFrequently: true });
    this.veil = parts.veil.getContext("2d", { willReadFrequently: true });
    this.dirty = null;
    this.hasVeil = false;
  }

  open({ width, height }, sources, children) {
    Object.assign(this, { width, height, children, mask: null });
    this.composer = new Composer(width, height, sources);
    this.refresh({ left: 0, top: 0, width, height });
  }

  /** Shows a rectangle anew, with the next picture of the screen; what has been asked for until then at once. */
  refresh(rect) {
    if (!this.dirty) requestAnimationFrame(() => this.#draw());
    this.dirty = union(this.dirty, rect);
  }

  #draw() {
    const rect = this.dirty;
    this.dirty = null;
    this.canvas.putImageData(this.composer.compose(this.children, rect), rect.left, rect.top);
    if (this.hasVeil) this.veil.putImageData(this.#veilOf(rect), rect.left, rect.top);
  }

  /** Shows or hides the veil. */
  set seesMask(sees) {
    this.hasVeil = sees;
    this.veil.canvas.hidden = !sees;
  }

  #veilOf({ left, top, width, height }) {
    const image = new ImageData(width, height);
    if (!this.mask) return image;
    for (let y = 0, o = 0; y < height; y++) {
      for (let x = 0; x < width; x++, o += 4) {
        image.data.set(VEIL, o);
        image.data[o + 3] = (255 - this.mask[(top + y) * this.width + left + x]) * VEIL_SHARE;
      }
    }
    return image;
  }
}

function union(one, other) {
  if (!one) return other;
  const left = Math.min(one.left, other.left);
  const top = Math.min(one.top, other.top);
  const right = Math.max(one.left + one.width, other.left + other.width);
  const bottom = Math.max(one.top + one.height, other.top + other.height);
  return { left, top, width: right - left, height: bottom - top };
}
