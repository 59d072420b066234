/** The picture that the layers show, as studio/layers/composite.py makes it: a file looks as the page does. */

import { MIXES } from "./blend.js";

/** What has been painted so far, of a part of the picture; colors are multiplied by alpha. */
class Canvas {
  constructor(rect) {
    this.rect = rect;
    this.color = new Float32Array(3 * rect.width * rect.height);
    this.alpha = new Float32Array(rect.width * rect.height);
  }

  copy() {
    const copy = Object.create(Canvas.prototype);
    return Object.assign(copy, { rect: this.rect, color: this.color.slice(), alpha: this.alpha.slice() });
  }
}

export class Composer {
  /** @param sources the pixels of each layer by its key, RGBA as ImageData has them. */
  constructor(width, height, sources) {
    Object.assign(this, { width, height, sources });
    this.below = null; // what lies below the layer that was changed last, so that a slider need not paint it again
    this.last = [];
  }

  /** Paints the children, bottom to top, into an ImageData of a part of the picture. */
  compose(children, rect) {
    const whole = rect.width === this.width && rect.height === this.height;
    const canvas = whole ? this.#whole(flattened(children)) : this.#paintAll(new Canvas(rect), children);
    const image = new ImageData(rect.width, rect.height);
    const { color, alpha } = canvas;
    for (let i = 0, c = 0, o = 0; i < alpha.length; i++, c += 3, o += 4) {
      const white = 1 - alpha[i]; // on white where it is transparent
      image.data[o] = (color[c] + white) * 255; // clamped and rounded by the array
      image.data[o + 1] = (color[c + 1] + white) * 255;
      image.data[o + 2] = (color[c + 2] + white) * 255;
      image.data[o + 3] = 255;
    }
    return image;
  }

  #whole(nodes) {
    let same = 0;
    while (same < nodes.length && nodes[same] === this.last[same]) same++;
    const known = this.below !== null && this.below.count <= same;
    let canvas = known ? this.below.canvas : new Canvas({ left: 0, top: 0, width: this.width, height: this.height });
    const from = known ? this.below.count : 0;
    canvas = this.#paintAll(known ? canvas.copy() : canvas, nodes.slice(from, same));
    if (same > from) this.below = { count: same, canvas: canvas.copy() };
    else if (!known) this.below = null;
    this.last = nodes;
    return this.#paintAll(canvas, nodes.slice(same));
  }

  #paintAll(canvas, children) {
    for (const child of children) {
      if (!child.visible || child.opacity === 0) continue;
      if (child.children) this.#paintGroup(canvas, child);
      else this.#paintLayer(canvas, child);
    }
    return canvas;
  }

  #paintLayer(canvas, { key, mask, opacity, blend }) {
    const { data, opaque } = this.sources.get(key);
    const { left, top, width, height } = canvas.rect;
    const { color, alpha } = canvas;
    const mix = MIXES[blend];
    const mixed = [0, 0, 0];
    for (let y = 0, i = 0; y < height; y++) {
      let at = (top + y) * this.width + left;
      for (let x = 0; x < width; x++, i++, at++) {
        let cover = opacity;
        if (mask) cover *= mask[at] / 255;
        if (!opaque) cover *= data[4 * at + 3] / 255;
        if (cover === 0) continue;
        const red = data[4 * at] / 255;
        const green = data[4 * at + 1] / 255;
        const blue = data[4 * at + 2] / 255;
        lay(color, alpha, i, red, green, blue, cover, mix, mixed);
      }
    }
  }

  #paintGroup(canvas, group) {
    const { color, alpha } = canvas;
    if (group.blend === "pass_through") {
      const before = group.opacity < 1 ? canvas.copy() : null;
      this.#paintAll(canvas, group.children);
      if (!before) return;
      for (let c = 0; c < color.length; c++) color[c] = before.color[c] + (color[c] - before.color[c]) * group.opacity;
      for (let i = 0; i < alpha.length; i++) alpha[i] = before.alpha[i] + (alpha[i] - before.alpha[i]) * group.opacity;
      return;
    }
    const inside = this.#paintAll(new Canvas(canvas.rect), group.children);
    const mix = MIXES[group.blend];
    const mixed = [0, 0, 0];
    for (let i = 0, c = 0; i < alpha.length; i++, c += 3) {
      const share = Math.max(inside.alpha[i], 1e-6);
      const red = inside.color[c] / share;
      const green = inside.color[c + 1] / share;
      const blue = inside.color[c + 2] / share;
      lay(color, alpha, i, red, green, blue, inside.alpha[i] * group.opacity, mix, mixed);
    }
  }
}

/** Lays a color, of which `cover` counts, over one pixel of a canvas; `mix` blends it with that first. */
function lay(color, alpha, i, red, green, blue, cover, mix, mixed) {
  const c = 3 * i;
  const under = alpha[i];
  if (mix && under > 0) {
    const share = Math.max(under, 1e-6);
    mix(color[c] / share, color[c + 1] / share, color[c + 2] / share, red, green, blue, mixed);
    red += (mixed[0] - red) * under; // there is nothing to blend with where the canvas is clear
    green += (mixed[1] - green) * under;
    blue += (mixed[2] - blue) * under;
  }
  const rest = 1 - cover;
  color[c] = color[c] * rest + red * cover;
  color[c + 1] = color[c + 1] * rest + green * cover;
  color[c + 2] = color[c + 2] * rest + blue * cover;
  alpha[i] = under * rest + cover;
}

/** The nodes as they are painted one after the other: a group that only passes through is its layers. */
function flattened(children) {
  return children.flatMap((child) => {
    const passes = child.children && child.visible && child.opacity === 1 && child.blend === "pass_through";
    return passes ? flattened(child.children) : [child];
  });
}
