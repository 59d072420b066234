/** The wall: renders in rows as wide as the tab, none of them cropped; only the rows in sight are in the page. */

import { make } from "../paint_tab/dom.js";
import { addressOf } from "./ask.js";
import { SIGNS } from "./ratings.js";
import { stem } from "./renders.js";
import { GAP_PX, WORDS_PX, rowAt, rowsOf } from "./rows.js";

/** Rows are kept so far beyond the edge, so that scrolling finds them there. */
const BEYOND_PX = 700;

export class Wall {
  /** @param moved takes nothing: another render is the current one. */
  constructor(parts, moved) {
    Object.assign(this, { parts, moved });
    this.renders = [];
    this.rows = [];
    this.tiles = new Map();
    this.current = null;
    this.chosen = new Set();
    this.target = 180;
    parts.wall.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.arrange()).observe(parts.wall);
  }

  /** Shows renders in their order; what was seen stays where it was, if it still is among them. */
  show(renders) {
    const before = this.#anchor();
    const place = Math.max(0, this.#index());
    this.renders = renders;
    this.places = new Map(renders.map((render, number) => [render.id, number]));
    if (!this.places.has(this.current)) this.current = renders[Math.min(place, renders.length - 1)]?.id ?? null;
    this.arrange(before);
  }

  /** Brings the renders into rows that are as wide as the wall. */
  arrange(anchor = this.#anchor()) {
    const width = this.parts.rows.clientWidth;
    if (width === 0) return; // another tab is open
    this.rows = rowsOf(this.renders, width, this.target);
    const last = this.rows.at(-1);
    this.parts.rows.style.height = `${last ? last.top + last.height + WORDS_PX : 0}px`;
    if (anchor) this.parts.wall.scrollTop += (this.#rowOf(anchor.id)?.top ?? anchor.top) - anchor.top;
    this.#draw();
  }

  set size(pixels) {
    this.target = pixels;
    this.arrange();
  }

  get currentRender() {
    return this.renders[this.#index()];
  }

  /** Makes a render the current one, and brings it in sight. */
  go(id) {
    if (!this.places?.has(id)) return;
    this.current = id;
    const row = this.#rowOf(id);
    const { wall } = this.parts;
    const bottom = row.top + row.height + WORDS_PX + GAP_PX;
    if (row.top < wall.scrollTop) wall.scrollTop = row.top - GAP_PX;
    else if (bottom > wall.scrollTop + wall.clientHeight) wall.scrollTop = bottom - wall.clientHeight;
    this.#draw();
    this.moved();
  }

  /** So many renders on. */
  step(count) {
    const index = Math.min(this.renders.length - 1, Math.max(0, this.#index() + count));
    if (this.renders[index]) this.go(this.renders[index].id);
  }

  /** So many rows down, to the render that is nearest. */
  stepRows(count) {
    const row = this.#rowOf(this.current);
    if (!row) return;
    const number = Math.min(this.rows.length - 1, Math.max(0, this.rows.indexOf(row) + count));
    const middle = ({ left, width }) => left + width / 2;
    const from = middle(row.tiles.find(({ render }) => render.id === this.current));
    const far = (tile) => Math.abs(middle(tile) - from);
    this.go(this.rows[number].tiles.reduce((best, tile) => (far(tile) < far(best) ? tile : best)).render.id);
  }

  /** Rows that fit into the wall. */
  get #rowsInSight() {
    return Math.max(1, Math.floor(this.parts.wall.clientHeight / (this.target + WORDS_PX + GAP_PX)));
  }

  /** Goes where a key says, and chooses on the way what is passed with Shift; whether it is such a key. */
  walk({ key, shiftKey }) {
    const ways = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      ArrowDown: () => this.stepRows(1),
      ArrowUp: () => this.stepRows(-1),
      PageDown: () => this.stepRows(this.#rowsInSight),
      PageUp: () => this.stepRows(-this.#rowsInSight),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      j: () => this.step(1),
    };
    if (!ways[key]) return false;
    const before = this.current;
    ways[key]();
    if (shiftKey) for (const id of [before, this.current]) if (id !== null) this.choose(id, true);
    return true;
  }

  choose(id, chosen) {
    if (chosen) this.chosen.add(id);
    else this.chosen.delete(id);
    this.#draw();
  }

  /** Chooses all from the current one to another. */
  chooseTo(id) {
    const [from, to] = [this.#index(), this.places.get(id)].sort((one, other) => one - other);
    for (const render of this.renders.slice(from, to + 1)) this.chosen.add(render.id);
    this.go(id);
  }

  clear() {
    this.chosen.clear();
    this.#draw();
  }

  #index() {
    return this.places?.get(this.current) ?? -1;
  }

  #rowOf(id) {
    const place = this.places?.get(id);
    return place === undefined ? undefined : this.rows[rowAt(this.rows, (row) => row.first <= place)];
  }

  /** The current render if it is in sight, otherwise the first that is, and where it is; at the very top none. */
  #anchor() {
    const { scrollTop, clientHeight } = this.parts.wall;
    if (scrollTop === 0 || this.rows.length === 0) return null;
    const mine = this.#rowOf(this.current);
    const inSight = mine && mine.top + mine.height > scrollTop && mine.top < scrollTop + clientHeight;
    const row = inSight ? mine : this.rows[rowAt(this.rows, ({ top }) => top <= scrollTop)];
    return { id: inSight ? this.current : row.tiles[0].render.id, top: row.top };
  }

  /** Has those tiles in the page that are near what is in sight, as they are now. */
  #draw() {
    const { wall, rows } = this.parts;
    const first = rowAt(this.rows, ({ top }) => top <= wall.scrollTop - BEYOND_PX);
    const until = wall.scrollTop + wall.clientHeight + BEYOND_PX;
    const seen = new Set();
    for (let number = first; number < this.rows.length && this.rows[number].top < until; number += 1) {
      const row = this.rows[number];
      for (const { render, left, width } of row.tiles) {
        seen.add(render.id);
        let tile = this.tiles.get(render.id);
        if (!tile) {
          tile = new Tile(render.id);
          this.tiles.set(render.id, tile);
          rows.append(tile.element);
        }
        tile.place(left, row.top, width, row.height);
        tile.describe(render, this.places.get(render.id), this.renders.length);
        tile.mark(render.id === this.current, this.chosen.has(render.id));
      }
    }
    for (const [id, tile] of this.tiles) {
      if (seen.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
    if (this.tiles.has(this.current)) wall.setAttribute("aria-activedescendant", `render-${this.current}`);
    else wall.removeAttribute("aria-activedescendant");
  }
}

class Tile {
  constructor(id) {
    this.image = make("img", { alt: "", decoding: "async", draggable: false });
    this.style = make("strong");
    this.photo = make("small");
    this.sign = make("span", { className: "sign" });
    this.check = make("span", { className: "check", title: "Choose (Space)" });
    this.words = make("span", { className: "words" }, this.style, " ", this.photo);
    const parts = [this.image, this.sign, this.check, this.words];
    this.element = make("div", { className: "tile", id: `render-${id}` }, ...parts);
    this.element.dataset.id = id;
    this.element.setAttribute("role", "option");
    this.image.addEventListener("error", () => this.element.classList.add("broken"));
    this.image.addEventListener("load", () => this.element.classList.remove("broken"));
  }

  place(left, top, width, height) {
    const at = `${left} ${top} ${width} ${height}`;
    if (this.at === at) return;
    this.at = at;
    const { style } = this.element;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${width}px`;
    style.height = `${height + WORDS_PX}px`;
    this.image.style.height = `${height}px`;
  }

  describe(render, place, count) {
    if (this.render === render && this.of === `${place}/${count}`) return;
    Object.assign(this, { render, of: `${place}/${count}` });
    const address = addressOf(render, "thumbnail");
    if (this.image.getAttribute("src") !== address) this.image.src = address;
    const style = render.style.replaceAll("_", " ");
    this.style.textContent = style;
    const more = [stem(render.photo), render.variant, render.kind === "final" ? "final" : ""];
    this.photo.textContent = more.filter(Boolean).join(", ");
    this.words.title = render.path;
    this.sign.textContent = SIGNS[render.rating].sign;
    const { element } = this;
    element.dataset.rating = render.rating;
    element.dataset.kind = render.kind;
    const said = [`${stem(render.photo)} in ${style}`, render.variant, render.kind, render.rating];
    element.setAttribute("aria-label", said.filter(Boolean).join(", "));
    element.setAttribute("aria-posinset", place + 1);
    element.setAttribute("aria-setsize", count);
  }

  mark(current, chosen) {
    this.element.classList.toggle("current", current);
    this.element.setAttribute("aria-selected", chosen);
  }

  remove() {
    this.image.removeAttribute("src"); // what is on its way is not needed any more
    this.element.remove();
  }
}
