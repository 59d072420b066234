/** The wall of styles: kept up to date with the server, searched, and filled with the photo in every style. */

import { listStyles, paintStream, pictureOf } from "./api.js";
import { make } from "./dom.js";

const POLL_MS = 5000;
const STYLES_AT_ONCE = 100;

export class Wall {
  /**
   * @param changed takes nothing: the styles are others than before.
   * @param chosen takes the name of a style, and whether that ends the choice: arrow keys only go from one to the next.
   * @param reached takes null, or the Error that kept the server from answering.
   */
  constructor(parts, { changed, chosen, reached }) {
    Object.assign(this, { parts, changed, chosen, reached });
    this.styles = new Map();
    this.cards = new Map();
    this.listed = "";
    parts.search.addEventListener("input", () => this.#filter());
    const { styles } = parts;
    styles.addEventListener("change", ({ target }) => chosen(target.value, false));
    // Keys make clicks, too, but without a count.
    styles.addEventListener("click", ({ target, detail }) => detail > 0 && target.checked && chosen(target.value, true));
    styles.addEventListener("keydown", ({ target, key }) => key === "Enter" && chosen(target.value, true));
  }

  /** Asks the server for its styles now and then, for as long as the page is seen, and when it is seen again. */
  async follow() {
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    for (;;) {
      if (!document.hidden) await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async refresh() {
    try {
      const { styles, broken } = await listStyles();
      this.#show(styles, broken);
      this.reached(null);
    } catch (error) {
      this.reached(error);
    }
  }

  /** Marks a style as the chosen one. */
  choose(name) {
    const card = this.cards.get(name);
    if (card) card.radio.checked = true;
  }

  /** Puts the samples back where a photo was. */
  clear() {
    for (const card of this.cards.values()) card.show(null);
  }

  /** Paints a photo in every style that is shown; the pictures appear as they come. */
  async paintAll(photo, fields, px, signal, report) {
    const names = [...this.cards].filter(([, card]) => !card.element.hidden).map(([name]) => name);
    const asked = { image: await photo.blob(px), ...fields, weights: "", format: photo.previewFormat };
    const tell = () => report("Waiting for a place…");
    this.running = signal;
    for (const card of this.cards.values()) card.wait(!card.element.hidden);
    let count = 0;
    try {
      for (let start = 0; start < names.length; start += STYLES_AT_ONCE) {
        const style = names.slice(start, start + STYLES_AT_ONCE);
        for await (const event of paintStream({ ...asked, style }, signal, tell)) {
          const card = this.cards.get(event.style);
          if (event.event === "waiting") report(`Waiting: number ${event.position} in the line`);
          if (event.event === "failed") card?.fail(event.reason);
          if (event.event !== "picture") continue;
          const bitmap = await createImageBitmap(await pictureOf(event));
          signal.throwIfAborted(); // there may be another photo now
          card?.show(bitmap);
          count += 1;
          report(`${count} of ${names.length} styles painted`);
        }
      }
    } finally {
      if (this.running === signal) for (const card of this.cards.values()) card.wait(false);
    }
  }

  #show(styles, broken) {
    const listed = JSON.stringify([styles, broken]);
    if (listed === this.listed) return;
    this.listed = listed;
    const selected = this.parts.styles.querySelector("input:checked")?.value;
    this.styles = new Map(styles.map((style) => [style.name, style]));
    const known = this.cards;
    this.cards = new Map(styles.map((style) => [style.name, known.get(style.name) ?? new Card(style)]));
    for (const style of styles) this.cards.get(style.name).describe(style);
    this.#arrange();
    if (selected) this.choose(selected);
    this.parts.broken.replaceChildren(
      ...broken.map(({ file, reason }) => make("li", {}, make("strong", {}, file), ` cannot be used: ${reason}`)),
    );
    this.parts.broken.hidden = broken.length === 0;
    this.#filter();
    this.changed();
  }

  /** Brings the cards into order, and leaves those alone that are: what has the focus keeps it. */
  #arrange() {
    const list = this.parts.styles;
    for (const child of [...list.children]) if (!this.cards.has(child.dataset.style)) child.remove();
    let place = list.firstElementChild;
    for (const { element } of this.cards.values()) {
      if (element === place) place = place.nextElementSibling;
      else list.insertBefore(element, place);
    }
  }

  #filter() {
    const words = plain(this.parts.search.value).split(" ").filter(Boolean);
    let count = 0;
    for (const card of this.cards.values()) {
      card.element.hidden = !words.every((word) => card.words.includes(word));
      if (!card.element.hidden) count += 1;
    }
    this.parts.none.hidden = count > 0;
    this.parts.none.textContent = this.cards.size
      ? `No style is called “${this.parts.search.value}”.`
      : "There is no style yet. A style file that is put into the folder of styles appears here.";
  }
}

/** One style on the wall. */
class Card {
  constructor({ name }) {
    this.radio = make("input", { type: "radio", name: "paint-style", value: name });
    this.image = make("img", { alt: "", loading: "lazy" });
    this.canvas = make("canvas", { hidden: true });
    this.title = make("strong");
    this.artist = make("small");
    const words = make("span", { className: "words" }, this.title, this.artist);
    this.element = make("label", { className: "card" }, this.radio, this.image, this.canvas, words);
    this.element.dataset.style = name;
  }

  describe({ name, title, artist, thumbnail, paintings }) {
    const several = paintings.length > 1;
    this.title.textContent = title;
    this.byline = several ? `${paintings.length} paintings to blend` : artist;
    this.artist.textContent = this.byline;
    // The path begins at the server's root, the page may not.
    const source = thumbnail.replace(/^\//, "");
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    const all = paintings.flatMap((painting) => [painting.title, painting.artist]);
    this.words = plain([name, title, artist, ...all].join(" "));
  }

  /** Shows a painted photo, or with null the sample. */
  show(bitmap) {
    this.canvas.hidden = !bitmap;
    this.image.hidden = Boolean(bitmap);
    this.artist.textContent = this.byline;
    this.wait(false);
    if (!bitmap) return;
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  wait(waiting) {
    this.element.classList.toggle("waiting", waiting);
  }

  fail(reason) {
    this.wait(false);
    this.artist.textContent = reason;
  }
}

/** Text without case, accents and underscores, for searching. */
function plain(text) {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").replaceAll("_", " ").toLowerCase();
}
