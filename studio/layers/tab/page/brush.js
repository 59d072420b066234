/** A stroke of the brush on a mask. */

const SPACING = 0.12; // between two dabs, in radii: close enough that a stroke has no beads

export class Stroke {
  /**
   * @param mask the levels before, 255 shows; they are left as they are.
   * @param brush `{size, hardness, strength, level}`: the diameter in pixels, shares, and the level that is painted.
   */
  constructor(mask, width, height, { size, hardness, strength, level }) {
    Object.assign(this, { before: mask, width, height, radius: size / 2, hardness, strength, level });
    this.mask = mask.slice();
    this.cover = new Uint8Array(mask.length); // how much the stroke covers, so that it does not add up with itself
    this.last = null;
  }

  /** Goes on to a place; `pressure` is that of a pen. Gives the rectangle that has changed, null where none has. */
  to(x, y, pressure) {
    const from = this.last ?? { x, y, pressure };
    this.last = { x, y, pressure };
    const length = Math.hypot(x - from.x, y - from.y);
    const steps = Math.max(1, Math.ceil(length / Math.max(0.5, this.radius * SPACING)));
    for (let step = 1; step <= steps; step++) {
      const share = step / steps;
      const between = (start, end) => start + (end - start) * share;
      this.#dab(between(from.x, x), between(from.y, y), between(from.pressure, pressure));
    }
    return this.#show(Math.min(x, from.x), Math.min(y, from.y), Math.max(x, from.x), Math.max(y, from.y));
  }

  #dab(x, y, pressure) {
    const { width, height, cover } = this;
    const radius = Math.max(0.5, this.radius);
    const { left, top, right, bottom } = this.#reach(x, y, x, y);
    const core = Math.min(radius * this.hardness, radius - 0.5); // a hard brush still has a smooth edge
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        if (distance >= radius + 0.5) continue;
        const out = Math.min(1, Math.max(0, (distance - core) / (radius + 0.5 - core)));
        const level = Math.round(255 * pressure * (1 - out * out * (3 - 2 * out)));
        const at = row * width + column;
        if (level > cover[at]) cover[at] = level;
      }
    }
  }

  #show(x0, y0, x1, y1) {
    const { left, top, right, bottom } = this.#reach(x0, y0, x1, y1);
    if (left >= right || top >= bottom) return null;
    for (let row = top; row < bottom; row++) {
      for (let at = row * this.width + left; at < row * this.width + right; at++) {
        const share = (this.cover[at] / 255) * this.strength;
        this.mask[at] = Math.round(this.before[at] + (this.level - this.before[at]) * share);
      }
    }
    return { left, top, width: right - left, height: bottom - top };
  }

  /** The pixels that dabs between two places reach. */
  #reach(x0, y0, x1, y1) {
    const reach = Math.max(0.5, this.radius) + 1;
    return {
      left: Math.max(0, Math.floor(x0 - reach)),
      top: Math.max(0, Math.floor(y0 - reach)),
      right: Math.min(this.width, Math.ceil(x1 + reach)),
      bottom: Math.min(this.height, Math.ceil(y1 + reach)),
    };
  }
}
