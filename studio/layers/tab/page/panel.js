/** The list of layers: chosen, shown and hidden, named, folded, and put in another order. */

import { make } from "../paint_tab/dom.js";
import { rows } from "./tree.js";

const THUMBNAIL_PX = 44;
const EYE = `<svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.5">
  <path d="M2 10q8-10 16 0q-8 10-16 0z"/><circle cx="10" cy="10" r="2.5"/><path class="slash" d="M3 17L17 3"/></svg>`;
const OUT_PX = 28; // dragged so far to the left, a layer leaves the group

export class Panel {
  /**
   * @param parts has `list`.
   * @param acts takes what is done: `choose(id, part)`, `show(id)`, `fold(id)`, `rename(id, name)`,
   *   `place(id, target)` and the keys of a row, `press(event, id)`.
   */
  constructor(parts, acts) {
    Object.assign(this, { list: parts.list, acts, width: 1, height: 1, sources: new Map() });
    this.pictures = new Map();
    this.masks = new WeakMap();
  }

  open(width, height, sources) {
    Object.assign(this, { width, height, sources });
    this.pictures.clear();
  }

  /** Shows a stack, and which of its nodes and which part of it ("picture" or "mask") is chosen. */
  show(children, chosen, part) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.role : null;
    this.rows = rows(children);
    this.list.replaceChildren(...this.rows.map(({ node, depth }) => this.#row(node, depth, node.id === chosen, part)));
    const row = this.list.querySelector('[aria-selected="true"]');
    if (focused === "row") row?.focus({ preventScroll: true });
    else if (focused) row?.querySelector(`[data-role="${focused}"]`)?.focus({ preventScroll: true });
  }

  /** Lets the name of a node be typed. */
  rename(id) {
    const { node } = this.rows.find((row) => row.node.id === id);
    const label = this.#rowOf(id).querySelector(".name");
    const input = make("input", { type: "text", value: node.name, maxLength: 120, ariaLabel: "Name of the layer" });
    let isDone = false;
    const done = (keep) => {
      if (isDone) return;
      isDone = true;
      this.acts.rename(id, keep && input.value.trim() ? input.value.trim() : node.name);
      this.#rowOf(id)?.focus();
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") done(event.key === "Enter");
    });
    input.addEventListener("blur", () => done(true));
    label.replaceChildren(input);
    input.select();
  }

  scrollTo(id) {
    this.#rowOf(id)?.scrollIntoView({ block: "nearest" });
  }

  #rowOf(id) {
    return this.list.querySelector(`[data-id="${id}"]`);
  }

  #row(node, depth, isChosen, part) {
    const isGroup = Boolean(node.children);
    const row = make("li", { className: "layer", tabIndex: isChosen ? 0 : -1 });
    Object.assign(row.dataset, { id: node.id, role: "row" });
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", depth + 1);
    row.setAttribute("aria-selected", isChosen);
    row.setAttribute("aria-label", spoken(node));
    if (isGroup) row.setAttribute("aria-expanded", !node.folded);
    row.style.setProperty("--depth", depth);
    row.classList.toggle("off", !node.visible);
    const eye = button("eye", "", `${node.visible ? "Hide" : "Show"} ${node.name}`);
    eye.innerHTML = EYE;
    eye.setAttribute("aria-pressed", node.visible);
    eye.addEventListener("click", () => this.acts.show(node.id));
    row.append(eye, isGroup ? this.#fold(node) : this.#picture(node, isChosen && part === "picture"));
    if (node.mask) row.append(this.#mask(node, isChosen && part === "mask"));
    const name = make("span", { className: "name", title: node.name }, node.name);
    name.addEventListener("dblclick", () => this.rename(node.id));
    const where = "Drag to another place (Alt+↑, Alt+↓)";
    const grip = make("span", { className: "grip", title: where, ariaHidden: "true" }, "⠿");
    grip.addEventListener("pointerdown", (event) => this.#drag(event, node));
    row.append(name, make("span", { className: "share" }, aside(node)), grip);
    row.addEventListener("click", ({ target }) => {
      if (!target.closest("button, input, .grip")) this.acts.choose(node.id, node.mask ? part : "picture");
    });
    row.addEventListener("keydown", (event) => event.target === row && this.acts.press(event, node.id));
    return row;
  }

  #fold(node) {
    const fold = button("fold", node.folded ? "▸" : "▾", `${node.folded ? "Open" : "Fold"} ${node.name}`);
    fold.addEventListener("click", () => this.acts.fold(node.id));
    return fold;
  }

  #picture(node, isChosen) {
    let drawn = this.pictures.get(node.key);
    if (!drawn) this.pictures.set(node.key, (drawn = this.#small((at) => this.#colors(node.key, at))));
    const thumbnail = button("thumb", "", `Picture of ${node.name}`);
    thumbnail.append(copyOf(drawn));
    thumbnail.classList.toggle("chosen", isChosen);
    thumbnail.addEventListener("click", () => this.acts.choose(node.id, "picture"));
    return thumbnail;
  }

  #mask(node, isChosen) {
    let drawn = this.masks.get(node.mask);
    if (!drawn) this.masks.set(node.mask, (drawn = this.#small((at) => Array(3).fill(node.mask[at]).concat(255))));
    const thumbnail = button("mask", "", `Mask of ${node.name}`);
    thumbnail.append(copyOf(drawn));
    thumbnail.classList.toggle("chosen", isChosen);
    thumbnail.addEventListener("click", () => this.acts.choose(node.id, "mask"));
    return thumbnail;
  }

  #colors(key, at) {
    return this.sources.get(key).data.subarray(4 * at, 4 * at + 4);
  }

  /** A picture made small; `levels` gives red, green, blue and alpha at a place. */
  #small(levels) {
    const scale = THUMBNAIL_PX / Math.max(this.width, this.height);
    const width = Math.max(1, Math.round(this.width * scale));
    const height = Math.max(1, Math.round(this.height * scale));
    const image = new ImageData(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const row = Math.floor(((y + 0.5) / height) * this.height);
        const at = row * this.width + Math.floor(((x + 0.5) / width) * this.width);
        image.data.set(levels(at), 4 * (y * width + x));
      }
    }
    return image;
  }

  /** Shows where a layer would come to, and puts it there when it is let go. */
  #drag(event, node) {
    if (event.button) return;
    event.preventDefault();
    const grip = event.currentTarget;
    const row = grip.closest("li");
    grip.setPointerCapture(event.pointerId);
    row.classList.add("dragged");
    let target = null;
    const move = ({ clientX, clientY }) => {
      target = this.#target(node, clientY, event.clientX - clientX > OUT_PX);
      this.#mark(target);
      edge(this.list, clientY);
    };
    const end = ({ type }) => {
      grip.removeEventListener("pointermove", move);
      row.classList.remove("dragged");
      this.#mark(null);
      if (target && type === "pointerup") this.acts.place(node.id, target);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end, { once: true });
    grip.addEventListener("pointercancel", end, { once: true });
  }

  /** Where a height on the screen is: below the row `under`, or on top of all; `out` of the group it would be in. */
  #target(node, height, out) {
    const free = this.rows.filter((row) => !isInside(node, row.node.id));
    const passed = free.filter(({ node: { id } }) => {
      const { top, bottom } = this.#rowOf(id).getBoundingClientRect();
      return height > (top + bottom) / 2;
    });
    return { under: passed.at(-1)?.node ?? null, out };
  }

  #mark(target) {
    for (const row of this.list.children) row.classList.remove("over", "before", "out");
    if (!target) return;
    if (target.under) this.#rowOf(target.under.id).classList.add("over", ...(target.out ? ["out"] : []));
    else this.list.firstElementChild.classList.add("before");
  }
}

function button(role, text, label) {
  const found = make("button", { type: "button", className: role, title: label, ariaLabel: label, tabIndex: -1 }, text);
  found.dataset.role = role;
  return found;
}

function copyOf(image) {
  const canvas = make("canvas", { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function aside({ opacity }) {
  return opacity < 1 ? `${Math.round(opacity * 100)} %` : "";
}

function spoken({ name, children, visible, opacity, mask }) {
  const words = [name, children ? "group" : "layer"];
  if (mask) words.push("with a mask");
  if (!visible) words.push("hidden");
  if (opacity < 1) words.push(`${Math.round(opacity * 100)} percent`);
  return words.join(", ");
}

function isInside(node, id) {
  return node.id === id || Boolean(node.children?.some((child) => isInside(child, id)));
}

/** Scrolls a list while something is dragged at its edge. */
function edge(list, height) {
  const { top, bottom } = list.getBoundingClientRect();
  if (height < top + 24) list.scrollBy(0, -12);
  else if (height > bottom - 24) list.scrollBy(0, 12);
}
