/** What the Layers tab asks of the server: events of JSON, one a line, some followed by the bytes of a file. */

import { form, Gone, send } from "../paint_tab/api.js";

/**
 * The events of a request as they come; one that says how many `bytes` follow it has them as a Blob in `file`.
 * @param waiting is told when the server has no place yet.
 */
export async function* events(path, fields, signal, waiting) {
  const response = await send(`layers/${path}`, { method: "POST", body: form(fields), signal }, waiting);
  const reader = new Bytes(response.body.getReader());
  try {
    for (;;) {
      const event = JSON.parse(await reader.line());
      if (event.event === "end") return;
      if (event.event === "failed") throw new Error(event.reason);
      if (event.bytes !== undefined) event.file = new Blob(await reader.take(event.bytes), { type: event.media_type });
      yield event;
    }
  } catch (error) {
    throw error instanceof TypeError ? new Gone() : error;
  } finally {
    reader.cancel();
  }
}

/** Reads a stream by lines and by numbers of bytes. */
class Bytes {
  constructor(reader) {
    this.reader = reader;
    this.rest = new Uint8Array();
  }

  async line() {
    const text = new TextDecoder();
    let found = "";
    for (;;) {
      const end = this.rest.indexOf(10);
      const part = end < 0 ? this.rest : this.rest.subarray(0, end);
      found += text.decode(part, { stream: true });
      this.rest = this.rest.subarray(end < 0 ? this.rest.length : end + 1);
      if (end >= 0) return found;
      await this.#more();
    }
  }

  /** So many bytes, in pieces as they came. */
  async take(count) {
    const pieces = [];
    while (count > 0) {
      if (!this.rest.length) await this.#more();
      const piece = this.rest.subarray(0, count);
      pieces.push(piece);
      count -= piece.length;
      this.rest = this.rest.subarray(piece.length);
    }
    return pieces;
  }

  async #more() {
    const { value, done } = await this.reader.read();
    if (done) throw new Gone();
    this.rest = value;
  }

  cancel() {
    this.reader.cancel().catch(() => {});
  }
}

/** The levels of a picture file, RGBA; exactly as they are in it. */
export async function pixelsOf(file) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, options);
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  canvas.drawImage(bitmap, 0, 0);
  return canvas.getImageData(0, 0, width, height).data;
}

/** The levels of a gray picture file. */
export async function levelsOf(file) {
  const data = await pixelsOf(file);
  const levels = new Uint8Array(data.length / 4);
  for (let i = 0; i < levels.length; i++) levels[i] = data[4 * i];
  return levels;
}

/** Levels as a PNG. */
export async function fileOf(levels, width, height) {
  const image = new ImageData(width, height);
  for (let i = 0, o = 0; i < levels.length; i++, o += 4) {
    image.data[o] = image.data[o + 1] = image.data[o + 2] = levels[i];
    image.data[o + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
