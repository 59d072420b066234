/** One view of all pictures, and the wipe between two. */

const FARTHEST = 32;
const CLOSE = 6; // from here on the pixels themselves are seen
const STEP = 1.25;
const PAGE_SCROLLS_MS = 300;

/** How far all pictures are zoomed, and where their left top corner is, in shares of their frames. */
class View {
  constructor(root) {
    this.root = root;
    this.scrolled = -Infinity;
    document.addEventListener("scroll", () => (this.scrolled = performance.now()), { passive: true });
    this.reset();
  }

  reset() {
    this.#set(1, 0, 0);
  }

  /** Zooms around a point, which is given in shares of a frame and stays where it is. */
  zoom(factor, x = 0.5, y = 0.5) {
    const scale = Math.min(FARTHEST, Math.max(1, this.scale * factor));
    const grown = scale / this.scale;
    this.#set(scale, x - (x - this.x) * grown, y - (y - this.y) * grown);
  }

  pan(dx, dy) {
    this.#set(this.scale, this.x + dx, this.y + dy);
  }

  #set(scale, x, y) {
    const inside = (corner) => Math.min(0, Math.max(1 - scale, corner));
    Object.assign(this, { scale, x: inside(x), y: inside(y) });
    for (const name of ["scale", "x", "y"]) this.root.style.setProperty(`--${name}`, this[name]);
    this.root.classList.toggle("zoomed", scale > 1);
    this.root.classList.toggle("close", scale > CLOSE);
  }

  /** Lets wheel, fingers and mouse on a frame move the view. */
  followPointers(frame) {
    const pointers = new Map();
    const placeOf = ({ clientX, clientY }) => {
      const { x, y, width, height } = frame.getBoundingClientRect();
      return [(clientX - x) / width, (clientY - y) / height];
    };
    frame.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return; // a menu, which takes the pointer away
      pointers.set(event.pointerId, placeOf(event));
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      const before = gather(pointers);
      pointers.set(event.pointerId, placeOf(event));
      const after = gather(pointers);
      if (before.spread && after.spread) this.zoom(after.spread / before.spread, before.x, before.y);
      this.pan(after.x - before.x, after.y - before.y);
    });
    for (const end of ["pointerup", "pointercancel"])
      frame.addEventListener(end, ({ pointerId }) => pointers.delete(pointerId));
    frame.addEventListener("dblclick", () => this.reset());
    frame.addEventListener("wheel", (event) => this.#roll(event, placeOf(event)), { passive: false });
  }

  /** Zooms by the wheel, but for when that is scrolling the page, or can zoom out no further. */
  #roll(event, place) {
    const scrolling = performance.now() - this.scrolled < PAGE_SCROLLS_MS;
    const whole = this.scale === 1 && event.deltaY > 0;
    if (!event.ctrlKey && (scrolling || whole)) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    this.zoom(STEP ** (-Math.max(-300, Math.min(300, event.deltaY * lines)) / 100), ...place);
  }

  /** Lets the keys of a focused element move the view. */
  followKeys(element) {
    const moves = {
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.reset(),
      ArrowLeft: () => this.pan(0.1, 0),
      ArrowRight: () => this.pan(-0.1, 0),
      ArrowUp: () => this.pan(0, 0.1),
      ArrowDown: () => this.pan(0, -0.1),
    };
    element.addEventListener("keydown", (event) => {
      const scrolls = event.key.startsWith("Arrow") && this.scale === 1;
      if (!(event.key in moves) || scrolls || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      moves[event.key]();
    });
  }
}

/** The middle of all pointers, and how far they are from it. */
function gather(pointers) {
  const places = [...pointers.values()];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [0, 1].map((axis) => mean(places.map((place) => place[axis])));
  return { x, y, spread: mean(places.map((place) => Math.hypot(place[0] - x, place[1] - y))) };
}

/** Two pictures over each other, and the border between them. */
class Wipe {
  constructor(parts, pictures) {
    this.parts = parts;
    this.pictures = pictures;
    for (const select of [parts.left, parts.right]) {
      select.append(...pictures.map(({ key, title }) => make("option", { value: key, textContent: title })));
      select.addEventListener("change", () => this.choose(parts.left.value, parts.right.value));
    }
    this.set(50);
    this.#listen();
  }

  /** Shows two pictures, by their keys. */
  choose(left, right) {
    const { parts, pictures } = this;
    for (const [select, picture, chosen] of [[parts.left, parts.over, left], [parts.right, parts.under, right]]) {
      const { source, title } = pictures.find(({ key }) => key === chosen);
      select.value = chosen;
      Object.assign(picture, { src: source, alt: title });
    }
  }

  /** Shows the left picture in so many percent of the stage. */
  set(percent) {
    this.split = Math.min(100, Math.max(0, percent));
    const { stage, handle } = this.parts;
    stage.style.setProperty("--split", `${this.split}%`);
    handle.setAttribute("aria-valuenow", Math.round(this.split));
    handle.setAttribute("aria-valuetext", `${Math.round(this.split)} percent of the left picture`);
  }

  #listen() {
    const { handle, stage } = this.parts;
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation(); // or the pictures would be dragged, too
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { x, width } = stage.getBoundingClientRect();
      this.set(((event.clientX - x) / width) * 100);
    });
    handle.addEventListener("keydown", (event) => {
      const { split } = this;
      const places = { ArrowLeft: split - 2, ArrowDown: split - 2, ArrowRight: split + 2, ArrowUp: split + 2, Home: 0, End: 100 };
      if (!(event.key in places)) return;
      event.preventDefault();
      event.stopPropagation();
      this.set(places[event.key]);
    });
  }
}
