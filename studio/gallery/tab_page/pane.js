/** One picture in the large view: moved and zoomed with its camera, and wiped against the photo. */

import { make } from "../paint_tab/dom.js";
import { addressOf } from "./ask.js";
import { title } from "./renders.js";

const WHEEL = 0.0015;
const SWIPE_PX = 60;
const STEP = 2;
const LARGE_STEP = 10;

export class Pane {
  /**
   * @param camera of all panes.
   * @param told what the pane brings about: moved(), wiped(percent), taken(), swiped(step).
   */
  constructor(render, camera, told) {
    Object.assign(this, { render, camera, told });
    this.pointers = new Map();
    this.image = make("img", { alt: title(render), draggable: false });
    this.photo = make("img", { alt: `The photo ${render.photo}`, draggable: false, hidden: true });
    this.divider = make("div", { className: "divider", tabIndex: 0, hidden: true });
    this.caption = make("figcaption");
    this.sheet = make("div", { className: "sheet" }, this.image, this.photo);
    this.view = make("div", { className: "view" }, this.sheet, this.divider);
    this.element = make("figure", { className: "pane" }, this.view, this.caption);
    this.#describeDivider();
    this.#listen();
    this.sheet.style.backgroundImage = `url("${addressOf(render, "thumbnail")}")`;
    this.image.src = addressOf(render, "picture");
    this.image.addEventListener("load", () => this.sheet.classList.add("loaded"), { once: true });
    this.image.addEventListener("error", () => this.element.classList.add("broken"), { once: true });
  }

  get box() {
    return { width: this.view.clientWidth, height: this.view.clientHeight };
  }

  get size() {
    return { width: this.render.size[0], height: this.render.size[1] };
  }

  /** Puts the picture where the camera says. */
  draw(split) {
    const { left, top, width, height } = this.camera.frame(this.box, this.size);
    Object.assign(this.sheet.style, {
      transform: `translate(${left}px, ${top}px)`,
      width: `${width}px`,
      height: `${height}px`,
    });
    const wiping = split !== null;
    this.photo.hidden = this.divider.hidden = !wiping;
    if (!wiping) return;
    if (!this.photo.getAttribute("src")) this.photo.src = addressOf(this.render, "photo");
    this.photo.style.clipPath = `inset(0 ${100 - split}% 0 0)`;
    const place = left + (width * split) / 100;
    this.divider.style.left = `${Math.min(this.box.width, Math.max(0, place))}px`;
    this.divider.setAttribute("aria-valuenow", Math.round(split));
    this.divider.setAttribute("aria-valuetext", `${Math.round(split)} percent photo`);
    this.split = split;
  }

  #describeDivider() {
    const { divider } = this;
    divider.setAttribute("role", "slider");
    divider.setAttribute("aria-label", "Photo shown, from the left");
    divider.setAttribute("aria-valuemin", 0);
    divider.setAttribute("aria-valuemax", 100);
  }

  #listen() {
    const { view, divider } = this;
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    view.addEventListener("pointerdown", (event) => this.#take(event));
    view.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, (event) => this.#let(event));
    view.addEventListener("dblclick", (event) => this.#toggle(event));
    divider.addEventListener("keydown", (event) => this.#press(event));
  }

  #place({ clientX, clientY }) {
    const { left, top } = this.view.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.camera.near(Math.exp(-event.deltaY * lines * WHEEL), this.box, this.size, ...this.#place(event));
    this.told.moved();
  }

  #toggle(event) {
    if (this.camera.fits) {
      const times = this.camera.real(this.box, this.size);
      this.camera.near(times, this.box, this.size, ...this.#place(event));
    } else this.camera.fit();
    this.told.moved();
  }

  #take(event) {
    this.told.taken();
    if (event.button !== 0) return;
    this.view.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { at: this.#place(event), from: this.#place(event) });
    this.wiping = event.target === this.divider;
  }

  #move(event) {
    const mine = this.pointers.get(event.pointerId);
    if (!mine) return;
    const [x, y] = this.#place(event);
    const [oldX, oldY] = mine.at;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1].at;
    if (this.wiping) {
      const { left, width } = this.camera.frame(this.box, this.size);
      this.told.wiped(((x - left) / width) * 100);
    } else if (other) {
      const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
      const middle = [(x + other[0]) / 2, (y + other[1]) / 2];
      this.camera.near(apart([x, y]) / Math.max(1, apart(mine.at)), this.box, this.size, ...middle);
      this.camera.move((x - oldX) / 2, (y - oldY) / 2, this.box, this.size);
    } else this.camera.move(x - oldX, y - oldY, this.box, this.size);
    mine.at = [x, y];
    this.told.moved();
  }

  #let(event) {
    const mine = this.pointers.get(event.pointerId);
    if (!mine) return;
    const alone = this.pointers.size === 1 && !this.wiping;
    this.pointers.delete(event.pointerId);
    const [x, y] = [mine.at[0] - mine.from[0], mine.at[1] - mine.from[1]];
    const swiped = event.pointerType === "touch" && this.camera.fits && Math.abs(x) > Math.max(SWIPE_PX, Math.abs(y));
    if (alone && swiped) this.told.swiped(x < 0 ? 1 : -1);
  }

  #press(event) {
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const places = { ArrowRight: this.split + step, ArrowLeft: this.split - step, Home: 0, End: 100 };
    if (!(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    this.told.wiped(places[event.key]);
  }
}
