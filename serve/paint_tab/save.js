/** The picture at full size: painted from the original file, and saved. */

import { paint, paintStream, pictureOf } from "./api.js";
import { lookFields } from "./painter.js";

// A line of the stream becomes one string, of which browsers hold about half a gigabyte.
const LONGEST_STREAMED_BYTES = 3e8;
const LEAST_SHARE = 0.05; // before that, the time left is a guess
const BYTES_A_PIXEL = { png: 6, jpeg: 2, webp: 2, tiff: 6 };
const SUFFIXES = { png: "png", jpeg: "jpg", webp: "webp", tiff: "tif" };

export class Saver {
  /** @param report takes a text for the status line, or an Error. */
  constructor(parts, report) {
    Object.assign(this, { parts, report });
    parts.cancel.addEventListener("click", () => this.abort?.abort());
  }

  /** Paints a photo at its own size in a format, with progress, and saves it where the browser saves things. */
  async save(photo, look, format) {
    const { save, saving, progress, cancel, download } = this.parts;
    this.abort = new AbortController();
    save.hidden = true;
    saving.hidden = false;
    progress.removeAttribute("value");
    this.#tell("");
    cancel.focus();
    try {
      const fields = { image: photo.file, ...lookFields(look), size: 0, format };
      if (format === "tiff") fields.bits = 16;
      const large = photo.width * photo.height * BYTES_A_PIXEL[format] > LONGEST_STREAMED_BYTES;
      const { blob, name } = await (large ? this.#whole(fields) : this.#streamed(fields));
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.report(`Saved ${name}, ${photo.width} × ${photo.height} px`);
    } catch (error) {
      this.report(error.name === "AbortError" ? "Download canceled" : error);
    } finally {
      saving.hidden = true;
      save.hidden = false;
      download.focus();
    }
  }

  async #streamed(fields) {
    const { progress } = this.parts;
    for await (const event of paintStream(fields, this.abort.signal, () => this.#tell("waiting"))) {
      if (event.event === "waiting") this.#tell(`number ${event.position} in the line`);
      if (event.event === "begun") this.#tell("");
      if (event.event === "progress") {
        progress.value = event.share;
        if (event.share > LEAST_SHARE) this.#tell(timeLeft(event.seconds_left));
      }
      if (event.event === "failed") throw new Error(event.reason);
      if (event.event === "picture") return { blob: await pictureOf(event), name: event.filename };
    }
    throw new Error("The picture did not come. Try again.");
  }

  /** Without progress: the browser may keep what comes on its disk. */
  async #whole(fields) {
    this.#tell("a large picture");
    const stem = fields.image.name.replace(/\.[^.]*$/, "");
    const blob = await paint(fields, this.abort.signal, () => this.#tell("waiting"));
    return { blob, name: `${stem}-${fields.style}.${SUFFIXES[fields.format]}` };
  }

  #tell(text) {
    this.parts.left.textContent = text;
  }
}

function timeLeft(seconds) {
  if (seconds < 1) return "almost done";
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}
