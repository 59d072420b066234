/** The picture on the stage: zoomed, moved about, and painted on with mouse, pen or finger. */

const ZOOMS = [0.05, 32];
const STEP = 1.25;
const SHARP_FROM = 3; // pixels of the screen for one of the picture, from which each is shown as a square

export class View {
  /** @param strokes takes `begin`, `move`, `end` and `cancel` of a stroke, places in pixels of the picture. */
  constructor(parts, strokes) {
    Object.assign(this, { parts, strokes, zoom: 1, x: 0, y: 0, brushPx: 1, isFitted: true, isHeld: false });
    this.pointers = new Map();
    this.mode = null; // "stroke", "pan" or "pinch"
    const { stage } = parts;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, (event) => this.#up(event));
    stage.addEventListener("pointerleave", () => (parts.ring.hidden = true));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => this.isFitted && this.fit()).observe(stage);
  }

  /** Makes room for a picture. */
  open(width, height) {
    Object.assign(this, { width, height });
    for (const canvas of [this.parts.canvas, this.parts.veil]) Object.assign(canvas, { width, height });
    this.fit();
  }

  /** All of the picture, as large as the stage has room for. */
  fit() {
    const { clientWidth, clientHeight } = this.parts.stage;
    if (!clientWidth || !this.width) return;
    this.zoom = Math.min(clientWidth / this.width, clientHeight / this.height);
    this.x = (clientWidth - this.width * this.zoom) / 2;
    this.y = (clientHeight - this.height * this.zoom) / 2;
    this.isFitted = true;
    this.#show();
  }

  /** One pixel of the picture on one of the screen, around the middle. */
  actual() {
    this.#zoomTo(1 / devicePixelRatio, ...this.#middle);
  }

  /** Nearer (1) or farther (-1). */
  step(direction) {
    this.#zoomTo(this.zoom * STEP ** direction, ...this.#middle);
  }

  /** Shows the brush's size at the pointer. */
  set brush(size) {
    this.brushPx = size;
    this.#ring();
  }

  /** Whether dragging moves the picture, as while the space bar is held. */
  set hand(isHeld) {
    this.isHeld = isHeld;
    this.parts.stage.classList.toggle("hand", isHeld);
  }

  get #middle() {
    const { clientWidth, clientHeight } = this.parts.stage;
    return [clientWidth / 2, clientHeight / 2];
  }

  #zoomTo(zoom, x, y) {
    zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], zoom));
    this.x = x - ((x - this.x) * zoom) / this.zoom;
    this.y = y - ((y - this.y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.isFitted = false;
    this.#show();
  }

  #show() {
    const { sheet, fit } = this.parts;
    sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    sheet.classList.toggle("squares", this.zoom * devicePixelRatio >= SHARP_FROM);
    fit.textContent = `${Math.round(this.zoom * devicePixelRatio * 100)} %`;
    this.#ring();
  }

  #ring() {
    const size = `${Math.max(4, this.brushPx * this.zoom)}px`;
    Object.assign(this.parts.ring.style, { width: size, height: size });
  }

  #at({ clientX, clientY }) {
    const { left, top } = this.parts.stage.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #point(event) {
    const [x, y] = this.#at(event);
    const pressure = event.pointerType === "pen" ? event.pressure : 1;
    return { x: (x - this.x) / this.zoom, y: (y - this.y) / this.zoom, pressure, isLine: event.shiftKey };
  }

  #down(event) {
    if (!this.width || event.button > 1) return;
    const { stage } = this.parts;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#at(event));
    if (this.pointers.size === 2) {
      if (this.mode === "stroke") this.strokes.cancel();
      this.mode = "pinch";
    } else if (this.pointers.size === 1) {
      this.mode = event.button === 1 || this.isHeld ? "pan" : "stroke";
      if (this.mode === "stroke") this.strokes.begin(this.#point(event));
    }
  }

  #move(event) {
    const at = this.#at(event);
    const { ring } = this.parts;
    ring.hidden = event.pointerType === "touch" || !this.width;
    ring.style.translate = `calc(${at[0]}px - 50%) calc(${at[1]}px - 50%)`;
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    if (this.mode === "stroke") {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [event]) this.strokes.move(this.#point(each));
    } else if (this.mode === "pan") this.#pan(at[0] - before[0], at[1] - before[1]);
    else if (this.pointers.size === 2) this.#pinch(event.pointerId, at);
    this.pointers.set(event.pointerId, at);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.mode === "stroke") {
      if (event.type === "pointercancel") this.strokes.cancel();
      else this.strokes.end();
    }
    if (this.mode !== "pinch" || !this.pointers.size) this.mode = null;
  }

  #pan(x, y) {
    this.x += x;
    this.y += y;
    this.isFitted = false;
    this.#show();
  }

  #pinch(id, at) {
    const other = [...this.pointers].find(([key]) => key !== id)[1];
    const before = this.pointers.get(id);
    const spread = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
    this.#pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.#zoomTo((this.zoom * spread(at)) / spread(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  }

  /** With Ctrl or Alt it zooms, as in painting programs; without, it scrolls the page. */
  #wheel(event) {
    if (!this.width || !(event.ctrlKey || event.altKey || event.metaKey)) return;
    event.preventDefault();
    this.#zoomTo(this.zoom * STEP ** (-event.deltaY / 100), ...this.#at(event));
  }
}
