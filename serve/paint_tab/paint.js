/** The Paint tab: a photo, a wall of styles, and controls that repaint as they are moved. */

import { Gone } from "./api.js";
import { partsOf } from "./dom.js";
import { Intake } from "./intake.js";
import { Controls, History, lookOf, storedLook } from "./look.js";
import { Painter, lookFields } from "./painter.js";
import { Photo } from "./photo.js";
import { PictureView } from "./picture.js";
import { Saver } from "./save.js";
import { Wall } from "./wall.js";

// Long sides of what is painted while a style is chosen, while a slider is dragged, after it rested, and of
// each picture on the wall.
const CLICK_PX = 256;
const DRAG_PX = 512;
const SHARP_PX = 1024;
const WALL_PX = 384;
const REST_MS = 150;

class Tab {
  constructor(root) {
    this.root = root;
    this.parts = partsOf(root);
    this.photo = null;
    this.look = storedLook();
    this.history = new History(this.look);
    this.view = new PictureView(this.parts);
    this.painter = new Painter((...picture) => this.#painted(...picture), (state) => this.#report(state));
    this.saver = new Saver(this.parts, (state) => this.#report(state));
    const colors = root.querySelectorAll("[name=paint-color]");
    this.controls = new Controls(this.parts, colors, (finished) => this.#turned(finished));
    this.wall = new Wall(this.parts, {
      changed: () => this.#stylesChanged(),
      chosen: (name, ends) => this.#choose(name, ends),
      reached: (error) => this.#reached(error),
    });
    this.controls.look = this.look;
    new Intake(this.parts, () => this.#seen, (file) => this.open(file));
    this.#listen();
    this.wall.follow();
  }

  /** Takes a photo; of one that Impasto painted, its settings. */
  async open(file) {
    this.#note(null);
    this.#say(`Opening ${file.name}…`);
    try {
      const photo = await Photo.open(file);
      const look = lookOf(photo.settings);
      if (look) this.#restore(photo, look);
      else this.#take(photo);
    } catch (error) {
      this.#report(error);
    }
  }

  #take(photo) {
    this.photo = photo;
    this.view.showPhoto(photo);
    this.wall.clear();
    this.#leaveWall();
    const focused = this.parts.empty.contains(document.activeElement);
    this.parts.empty.hidden = true;
    this.parts.bar.hidden = false;
    if (focused) this.parts.divider.focus();
    this.#say(this.wall.styles.has(this.look.style) ? "" : "Now choose a style.");
    this.#update();
    this.#paint(CLICK_PX);
  }

  /** Takes over the settings of a painted picture; it becomes the photo only where there is none, or by a click. */
  #restore(photo, look) {
    const known = this.wall.styles.get(look.style);
    const what = known ? `“${known.title}”` : `the style ${look.style}, which is not here`;
    const from = photo.settings.photo?.file;
    const hint = this.photo || !from ? "" : ` To paint with them, drop the photo again: ${from}.`;
    const again = { text: "Paint this picture itself", act: () => this.#take(photo) };
    if (known) this.#set(look);
    this.#note(`Settings of ${photo.name} restored: ${what}.${hint}`, again);
    if (this.photo) this.#paint(CLICK_PX);
  }

  #listen() {
    const { parts } = this;
    const on = (part, event, act) => parts[part].addEventListener(event, act);
    on("flip", "click", () => this.view.flip());
    on("zoom", "click", () => this.#zoom());
    on("undo", "click", () => this.#travel(-1));
    on("redo", "click", () => this.#travel(1));
    on("download", "click", () => this.saver.save(this.photo, this.look, parts.format.value));
    on("all", "click", () => (this.root.dataset.wall ? this.#leaveWall() : this.#paintAll()));
    on("stop", "click", () => this.all?.abort());
    on("notice-close", "click", () => this.#note(null));
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Whether the tab is the one that is open. */
  get #seen() {
    return this.root.offsetParent !== null;
  }

  #press(event) {
    if (!this.#seen || event.target.matches("input:not([type=range], [type=radio]), select, textarea")) return;
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    if (command && key === "z") this.#travel(event.shiftKey ? 1 : -1);
    else if (command && key === "y") this.#travel(1);
    else if (!command && !event.altKey && key === "b" && this.photo) this.view.flip();
    else if (!command && !event.altKey && key === "z" && this.photo) this.#zoom();
    else return;
    event.preventDefault();
  }

  #choose(name, ends) {
    if (name !== this.look.style) {
      this.#set({ ...this.look, style: name, weights: [] });
      if (!this.root.dataset.wall) this.#paint(CLICK_PX);
    }
    if (ends) this.#leaveWall();
  }

  /** A control was moved. */
  #turned(finished) {
    this.look = { style: this.look.style, ...this.controls.look };
    if (finished) this.#remember();
    if (!this.root.dataset.wall) this.#paint(DRAG_PX);
    else if (finished) this.#paintAll();
  }

  #zoom() {
    this.view.zoom();
    this.#paint(DRAG_PX);
  }

  #travel(step) {
    const look = this.history.go(step);
    if (!look) return;
    this.#apply(look);
    this.#update();
    this.#paint(DRAG_PX);
  }

  #set(look) {
    this.#apply(look);
    this.#remember();
  }

  #apply(look) {
    this.wall.choose(look.style);
    this.controls.showPaintings(this.wall.styles.get(look.style)?.paintings ?? []);
    this.controls.look = look;
    this.look = { style: look.style, ...this.controls.look };
  }

  #remember() {
    this.history.add(this.look);
    this.#update();
  }

  #update() {
    const ready = this.photo !== null && this.wall.styles.has(this.look.style);
    this.parts.undo.disabled = !this.history.canUndo;
    this.parts.redo.disabled = !this.history.canRedo;
    this.parts.download.disabled = !ready;
    this.parts.all.disabled = this.photo === null || this.wall.styles.size === 0;
  }

  #paint(quick) {
    if (!this.photo || !this.wall.styles.has(this.look.style)) return;
    const most = this.view.zoomed ? Infinity : SHARP_PX; // zoomed, the screen's pixels are the preview's
    const sharp = Math.round(Math.min(most, Math.max(DRAG_PX, this.view.screenPx)));
    this.painter.wish({ photo: this.photo, look: this.look, quick, sharp, rest: quick === DRAG_PX ? REST_MS : 0 });
  }

  #painted(bitmap, seconds, sharp) {
    this.view.showPainting(bitmap, this.wall.styles.get(this.look.style)?.title);
    if (sharp) this.#say(`Painted in ${seconds.toFixed(2)} s at ${bitmap.width} × ${bitmap.height} px`);
  }

  async #paintAll() {
    const { stop, all } = this.parts;
    this.painter.stop();
    this.root.dataset.wall = "photo";
    all.textContent = "Back to the picture";
    stop.hidden = false;
    this.all?.abort();
    const abort = (this.all = new AbortController());
    try {
      await this.wall.paintAll(this.photo, lookFields(this.look), WALL_PX, abort.signal, (text) => this.#say(text));
    } catch (error) {
      if (abort === this.all) this.#report(error.name === "AbortError" ? "Stopped" : error);
    }
    if (abort === this.all) stop.hidden = true;
  }

  #leaveWall() {
    this.all?.abort();
    if (!this.root.dataset.wall) return;
    delete this.root.dataset.wall;
    this.parts.all.textContent = "All styles";
    this.#paint(CLICK_PX);
  }

  /** The styles are others: the chosen one may have gone, come, or hold other paintings. */
  #stylesChanged() {
    const chosen = JSON.stringify(this.wall.styles.get(this.look.style));
    this.#update();
    if (chosen === this.chosen) return;
    this.chosen = chosen;
    if (!chosen) this.painter.stop();
    this.#apply(this.look);
    this.#paint(CLICK_PX);
  }

  #reached(error) {
    if (error) {
      if (!(this.gone && error instanceof Gone)) this.#report(error);
    } else if (this.gone) {
      this.gone = false;
      this.#note(null);
      this.#paint(CLICK_PX);
    }
  }

  #report(state) {
    this.parts.stage.setAttribute("aria-busy", state === "painting" || state === "waiting");
    if (state instanceof Error) {
      this.gone = state instanceof Gone;
      this.#say("");
      this.#note(state.message);
    } else if (state === "waiting") this.#say("Waiting for a place…");
    else if (state !== "painting" && state !== "done") this.#say(state);
  }

  /** The line under the picture. */
  #say(text) {
    this.parts.status.textContent = text;
  }

  /** The message above the picture, with something to do where there is; null takes it away. */
  #note(text, { text: label, act } = {}) {
    this.parts.notice.hidden = !text;
    this.parts["notice-text"].textContent = text ?? "";
    const button = this.parts["notice-action"];
    button.hidden = !label;
    button.textContent = label ?? "";
    button.onclick = act ?? null;
  }
}

/** Brings the tab to life. */
export function start(root) {
  return new Tab(root);
}
