/** A photo in the browser: what is shown of it, and what is sent to be painted. */

import { inspect } from "./api.js";

const PREVIEW_PIXELS = 2e6; // as many as the server paints without a wait behind prints
const LARGEST_ASKED_PX = 2048;
const SNIFFED_BYTES = 256 * 1024;
const MARK = "impasto"; // the name under which Impasto keeps its settings in a file, always in plain letters

export class Photo {
  /** Use `Photo.open`. */
  constructor(file, canvas, width, height, settings) {
    Object.assign(this, { file, canvas, width, height, settings, name: file.name });
    this.alpha = hasAlpha(canvas);
    this.blobs = new Map();
  }

  /** Reads a file; the server is asked only where the browser cannot, or where settings may be inside. */
  static async open(file) {
    const marked = await isMarked(file);
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      const { width, height } = bitmap;
      const canvas = scaled(bitmap, width, height, previewPx(width, height));
      bitmap.close();
      const settings = marked ? (await inspect(file, 0)).settings : null;
      return new Photo(file, canvas, width, height, settings);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
    const found = await inspect(file, LARGEST_ASKED_PX);
    const image = new Image();
    image.src = found.preview;
    await image.decode();
    const { naturalWidth, naturalHeight } = image;
    const canvas = scaled(image, naturalWidth, naturalHeight, previewPx(naturalWidth, naturalHeight));
    return new Photo(file, canvas, found.width, found.height, found.settings);
  }

  get longSide() {
    return Math.max(this.width, this.height);
  }

  /**
   * The photo with a long side of at most so many pixels, encoded once for each.
   *
   * @param exact sends every pixel as it is (in WebP, or where the browser has none in PNG); else in a quarter of
   *   the bytes, with what a style then makes of the JPEG's noise.
   */
  blob(px, exact = false) {
    const { width, height } = this.canvas;
    const side = Math.min(px, Math.max(width, height));
    const key = `${side} ${exact}`;
    if (!this.blobs.has(key)) {
      const small = scaled(this.canvas, width, height, side);
      const type = exact || this.alpha ? "image/webp" : "image/jpeg";
      this.blobs.set(key, new Promise((resolve) => small.toBlob(resolve, type, exact ? 1 : 0.95)));
    }
    return this.blobs.get(key);
  }

  /** The format in which previews come back: JPEG is much faster to write, but holds no transparency. */
  get previewFormat() {
    return this.alpha ? "webp" : "jpeg";
  }
}

/** The long side of a preview. */
function previewPx(width, height) {
  const ratio = Math.max(width, height) / Math.min(width, height);
  return Math.floor(Math.sqrt(PREVIEW_PIXELS * ratio));
}

/** A canvas with the picture, made smaller where its long side is above `px`. */
function scaled(picture, width, height, px) {
  const scale = Math.min(1, px / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function hasAlpha(canvas) {
  const small = scaled(canvas, canvas.width, canvas.height, 256);
  const { data } = small.getContext("2d").getImageData(0, 0, small.width, small.height);
  for (let place = 3; place < data.length; place += 4) if (data[place] < 255) return true;
  return false;
}

/** Whether a file may hold Impasto's settings: they are at its beginning, or in WebP and TIFF at its end. */
async function isMarked(file) {
  const ends = new Blob([file.slice(0, SNIFFED_BYTES), file.slice(-SNIFFED_BYTES)]);
  return new TextDecoder("latin1").decode(await ends.arrayBuffer()).includes(MARK);
}
