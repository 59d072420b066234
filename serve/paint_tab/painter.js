/** Paints what is wished for last: small at once, then sharp. */

import { paint, pause } from "./api.js";

export class Painter {
  /**
   * @param show takes (bitmap, seconds, sharp) when a picture has come.
   * @param report takes "painting", "waiting", "done" or an Error.
   */
  constructor(show, report) {
    Object.assign(this, { show, report });
    this.wanted = null;
    this.current = null;
    this.last = null;
    this.working = false;
  }

  /**
   * Asks for a picture. A small one that is being painted of the same photo and style is let finish, so that
   * the picture goes on changing while a slider is dragged; anything else gives way. What was wished for last
   * is not painted twice, as when a slider is let go.
   *
   * @param wish {photo, look, quick, sharp, rest}: long sides in pixels, and how long no newer wish must come,
   *   in ms, before the sharp one is begun.
   */
  wish(wish) {
    const { current, last } = this;
    if (last && same(wish, last)) return;
    this.wanted = this.last = wish;
    const kept = current?.quick && current.photo === wish.photo && current.style === wish.look.style;
    if (!kept) current?.abort.abort();
    this.#work();
  }

  /** Forgets all wishes. */
  stop() {
    this.wanted = this.last = null;
    this.current?.abort.abort();
  }

  async #work() {
    if (this.working) return;
    this.working = true;
    while (this.wanted) {
      const wish = this.wanted;
      this.wanted = null;
      try {
        await this.#fulfill(wish);
      } catch (error) {
        if (error.name === "AbortError") continue;
        this.last = null;
        this.report(error);
      }
    }
    this.working = false;
    this.report("done");
  }

  async #fulfill(wish) {
    this.report("painting");
    const sharp = Math.min(wish.sharp, wish.photo.longSide);
    if (wish.quick < sharp) {
      await this.#paint(wish, wish.quick, true);
      if (this.wanted) return;
    }
    await this.#paint(wish, sharp, false, wish.quick < sharp ? wish.rest : 0);
  }

  async #paint({ photo, look }, px, quick, rest = 0) {
    const abort = new AbortController();
    this.current = { photo, style: look.style, quick, abort };
    try {
      if (rest) await pause(rest, abort.signal);
      const fields = { image: await photo.blob(px, !quick), ...lookFields(look), format: photo.previewFormat };
      const start = performance.now();
      const blob = await paint(fields, abort.signal, () => this.report("waiting"));
      const bitmap = await createImageBitmap(blob);
      if (!abort.signal.aborted) this.show(bitmap, (performance.now() - start) / 1000, !quick);
      bitmap.close();
    } finally {
      this.current = null;
    }
  }
}

function same(one, other) {
  const [first, second] = [one, other].map(({ look, sharp }) => JSON.stringify([look, sharp]));
  return one.photo === other.photo && first === second;
}

/** A look as the fields of a request. */
export function lookFields({ style, strength, brush_size, color, weights }) {
  return { style, strength, brush_size, color, weights: weights.join(",") };
}
