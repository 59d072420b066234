/** The large view: one render of the wall after the other, or up to four side by side. */

import { make } from "../paint_tab/dom.js";
import { addressOf, describe } from "./ask.js";
import { Camera } from "./camera.js";
import { Pane } from "./pane.js";
import { SIGNS, markRating } from "./ratings.js";
import { title } from "./renders.js";

const NEARER = 1.4;
const MOVE_PX = 80;

export class Viewer {
  /** @param told what the viewer brings about: seen(id), failed(error). */
  constructor(parts, renders, told) {
    Object.assign(this, { parts, renders, told });
    this.camera = new Camera();
    this.panes = [];
    this.split = null;
    this.remembered = 50;
    const press = (name, what) => parts[name].addEventListener("click", what);
    press("viewer-close", () => this.close());
    press("real", () => this.real());
    press("wipe", () => this.wipe());
    press("about", () => this.about());
    press("back", () => this.step(-1));
    press("next", () => this.step(1));
    parts.viewer.addEventListener("close", () => this.#closed());
    new ResizeObserver(() => this.draw()).observe(parts.panes);
  }

  get open() {
    return this.parts.viewer.open;
  }

  /** The render that keys are about. */
  get current() {
    return this.renders.get(this.ids[this.active]);
  }

  get several() {
    return this.panes.length > 1;
  }

  /** Shows one of a row of renders, to go through. */
  show(row, id) {
    this.row = row;
    this.#fill([id]);
  }

  /** Shows some side by side. */
  compare(ids) {
    this.row = [];
    this.#fill(ids);
  }

  /** Goes so many on in the row, past those that are gone; side by side, to the next pane. */
  step(count) {
    if (this.several) {
      this.pick((this.active + count + this.panes.length) % this.panes.length);
      return;
    }
    let place = this.row.indexOf(this.ids[0]) + count;
    while (place >= 0 && place < this.row.length && !this.renders.get(this.row[place])) place += Math.sign(count);
    if (this.renders.get(this.row[place])) this.#fill([this.row[place]]);
  }

  /** Makes one of the panes the one that is rated. */
  pick(number) {
    if (!this.panes[number]) return;
    this.active = number;
    this.tell();
  }

  real() {
    const { camera } = this;
    const pane = this.panes[this.active];
    if (camera.fits) camera.near(camera.real(pane.box, pane.size), pane.box, pane.size);
    else camera.fit();
    this.draw();
  }

  near(direction) {
    const pane = this.panes[this.active];
    this.camera.near(NEARER ** direction, pane.box, pane.size);
    this.draw();
  }

  move(x, y) {
    const pane = this.panes[this.active];
    this.camera.move(-x * MOVE_PX, -y * MOVE_PX, pane.box, pane.size);
    this.draw();
  }

  /** The photo from the left up to a divider, or not at all. */
  wipe() {
    if (this.parts.wipe.disabled) return;
    if (this.split === null) this.split = this.remembered;
    else [this.remembered, this.split] = [this.split, null];
    this.draw();
    if (this.split !== null) this.panes[this.active].divider.focus();
    else this.parts.panes.focus();
  }

  about() {
    const { made, about } = this.parts;
    made.hidden = !made.hidden;
    about.setAttribute("aria-pressed", !made.hidden);
  }

  close() {
    this.parts.viewer.close();
  }

  /** Does what a key says; whether it is one that says something here. */
  press({ key, shiftKey }) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const keys = {
      j: () => this.step(1),
      " ": () => this.step(1),
      z: () => this.real(),
      w: () => this.wipe(),
      i: () => this.about(),
      "+": () => this.near(1),
      "=": () => this.near(1),
      "-": () => this.near(-1),
      Enter: () => this.close(),
    };
    const what = keys[key] ?? keys[key.toLowerCase()];
    if (key in moves && shiftKey) this.move(...moves[key]);
    else if (key in moves) this.step(moves[key][0] || moves[key][1]);
    else if (/^[1-4]$/.test(key) && this.several) this.pick(Number(key) - 1);
    else what?.();
    return key in moves || (this.several && /^[1-4]$/.test(key)) || Boolean(what);
  }

  draw() {
    const { real, wipe } = this.parts;
    for (const pane of this.panes) pane.draw(wipe.disabled ? null : this.split);
    real.setAttribute("aria-pressed", !this.camera.fits);
    wipe.setAttribute("aria-pressed", this.split !== null && !wipe.disabled);
  }

  /** Shows the ratings, and what the current render is, as they are now. */
  tell() {
    const { parts } = this;
    if (!this.open) return;
    this.panes.forEach((pane, number) => {
      const render = this.renders.get(this.ids[number]);
      const sign = render ? SIGNS[render.rating].sign : "";
      pane.caption.textContent = this.several ? `${number + 1} · ${title(pane.render)} ${sign}` : sign;
      pane.element.dataset.rating = render?.rating ?? "";
      pane.element.classList.toggle("active", this.several && number === this.active);
    });
    const render = this.current;
    parts["viewer-title"].textContent = render ? title(render) : "This render is not there any more";
    parts["viewer-more"].textContent = render ? this.#more(render) : "";
    markRating(parts["viewer-rate"], render?.rating);
    parts["viewer-status"].textContent = render ? `${title(render)}, ${render.rating}` : "";
    const place = this.row.indexOf(this.ids[0]);
    parts.back.hidden = this.several || place <= 0;
    parts.next.hidden = this.several || place >= this.row.length - 1;
    this.#describe(render);
  }

  #more({ kind, size, promise, command }) {
    const words = [kind, `${size[0]} × ${size[1]} px`];
    if (command === "optimize") words.push("optimized");
    if (promise !== null) words.push(`promise ${promise.toFixed(2)}`);
    return words.join(", ");
  }

  #fill(ids) {
    const { parts } = this;
    this.ids = ids;
    this.active = 0;
    this.described = null;
    this.camera.fit();
    const told = (number) => ({
      moved: () => this.draw(),
      wiped: (percent) => {
        this.split = Math.min(100, Math.max(0, percent));
        this.draw();
      },
      taken: () => number !== this.active && this.pick(number),
      swiped: (step) => this.step(step),
    });
    this.panes = this.renders.some(ids).map((render, number) => new Pane(render, this.camera, told(number)));
    parts.panes.dataset.count = this.panes.length;
    parts.panes.replaceChildren(...this.panes.map((pane) => pane.element));
    parts.wipe.disabled = true;
    if (!this.open) parts.viewer.showModal();
    parts.panes.focus();
    this.draw();
    this.tell();
    this.#preload();
    if (!this.several) this.told.seen(ids[0]);
  }

  /** Has the neighbors loaded, so that they are there at once. */
  #preload() {
    const place = this.row.indexOf(this.ids[0]);
    for (const render of this.renders.some([this.row[place + 1], this.row[place - 1]])) {
      new Image().src = addressOf(render, "picture");
    }
  }

  /** Shows how a render was made, and whether there is a photo to wipe against. */
  async #describe(render) {
    if (!render || this.described === render.id) return;
    this.described = render.id;
    try {
      const { settings, photo } = await describe(render.id);
      if (this.current?.id !== render.id) return;
      this.parts.wipe.disabled = !photo;
      this.parts.wipe.title = photo
        ? "Wipe against the photo: key W"
        : "The photo is not where the sweep found it, or this folder is no sweep’s";
      this.parts.made.replaceChildren(...linesOf(settings));
      this.draw();
    } catch (error) {
      this.described = null;
      this.told.failed(error);
    }
  }

  #closed() {
    if (this.open) return; // it was told late, and another render is shown by now
    this.panes = [];
    this.described = null;
    this.parts.panes.replaceChildren();
    this.parts.wall.focus();
  }
}

/** Settings as terms and what they say; a list within one is named by both. */
function linesOf(settings, before = "") {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (value === null || value === "" || name === "sha256" || name === "versions") return [];
    const words = `${before} ${name}`.trim().replaceAll("_", " ");
    if (typeof value === "object" && !Array.isArray(value)) return linesOf(value, words);
    const parts = Array.isArray(value) ? value : [value];
    const text = parts.map((part) => part?.file ?? (typeof part === "object" ? JSON.stringify(part) : part)).join(", ");
    return text ? [make("div", {}, make("dt", {}, words), make("dd", {}, text))] : [];
  });
}
