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
const SLOW_MS = 1000;

class Tab {
  constructor(root) {
    this.root = root;
    this.parts = partsOf(root);
    this.photo = null;
    this.look = storedLook();
    this.history = new History(this.look);
    this.view = new PictureView(this.parts);
    this.painter = new Painter((...picture) => this.#painted(...picture), (state) => this.#follow(state));
    this.saver = new Saver(this.parts, (what) => this.#tell(what));
    const colors = root.querySelectorAll("[name=paint-color]");
    this.controls = new Controls(this.parts, colors, (finished) => this.#turned(finished));
    this.wall = new Wall(this.parts, {
      changed: () => this.#stylesChanged(),
      chosen: (name, ends) => this.#choose(name, ends),
      reached: (error) => this.#reached(error),
    });
    this.controls.look = this.look;
    new Intake(this.parts, () => this.#seen, (file) => this.open(file), (error) => this.#tell(error));
    this.#listen();
    this.wall.follow();
  }

  /** Takes a photo; of one that Impasto painted, its settings. Of several at once the last counts. */
  async open(file) {
    this.opened = file;
    this.#note(null);
    this.#tell(`Opening ${file.name}…`);
    try {
      const photo = await Photo.open(file);
      if (file !== this.opened) return;
      const look = lookOf(photo.settings);
      if (look) this.#restore(photo, look);
      else this.#take(photo);
    } catch (error) {
      this.#tell(error);
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
    this.#tell(this.wall.styles.has(this.look.style) ? "" : "Now choose a style.");
    this.#update();
    this.#paint(CLICK_PX);
  }

  /** Takes over the settings of a painted picture; that itself becomes the photo only when it is told to. */
  #restore(photo, look) {
    const itself = { label: "Paint this picture itself", act: () => this.#take(photo) };
    const style = this.wall.styles.get(look.style);
    if (!style) {
      this.#note(`${photo.name} was painted with the style ${look.style}, which is not here.`, itself);
      return;
    }
    const from = photo.settings.photo?.file;
    const hint = this.photo || !from ? "" : ` To paint with them, drop the photo again: ${from}.`;
    this.#tell("");
    this.#note(`Settings of ${photo.name} restored: “${style.title}”.${hint}`, itself);
    this.#set(look);
    this.#repaint(CLICK_PX);
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
      this.#paint(CLICK_PX);
    }
    if (ends) this.#leaveWall();
  }

  /** A control was moved. */
  #turned(finished) {
    this.look = { style: this.look.style, ...this.controls.look };
    if (!finished) return this.#paint(DRAG_PX);
    this.#remember();
    this.#repaint(DRAG_PX);
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
    this.#repaint(DRAG_PX);
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

  /** Paints what is seen: the picture, or the wall. */
  #repaint(quick) {
    if (this.root.dataset.wall) this.#paintAll();
    else this.#paint(quick);
  }

  #paint(quick) {
    if (this.root.dataset.wall || !this.photo || !this.wall.styles.has(this.look.style)) return;
    const most = this.view.zoomed ? Infinity : SHARP_PX; // zoomed, the screen's pixels are the preview's
    const sharp = Math.round(Math.min(most, Math.max(DRAG_PX, this.view.screenPx)));
    this.painter.wish({ photo: this.photo, look: this.look, quick, sharp, rest: quick === DRAG_PX ? REST_MS : 0 });
  }

  #painted(bitmap, seconds, sharp) {
    this.view.showPainting(bitmap, this.wall.styles.get(this.look.style)?.title);
    if (sharp) this.#tell(`Painted in ${seconds.toFixed(2)} s at ${bitmap.width} × ${bitmap.height} px`);
  }

  async #paintAll() {
    const { stop, all } = this.parts;
    this.painter.stop();
    this.root.dataset.wall = "photo";
    all.textContent = "Back to the picture";
    stop.hidden = false;
    this.all?.abort();
    this.#tell("Painting…");
    const abort = (this.all = new AbortController());
    try {
      await this.wall.paintAll(this.photo, lookFields(this.look), WALL_PX, abort.signal, (text) => this.#tell(text));
    } catch (error) {
      if (abort === this.all) this.#tell(error.name === "AbortError" ? "Stopped" : error);
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
    this.painter.stop();
    this.#apply(this.look);
    this.#paint(CLICK_PX);
  }

  #reached(error) {
    if (error) {
      if (!(this.gone && error instanceof Gone)) this.#tell(error);
    } else if (this.gone) {
      this.gone = false;
      this.#note(null);
      this.#paint(CLICK_PX);
    }
  }

  /** What the painter is doing. */
  #follow(state) {
    this.parts.stage.setAttribute("aria-busy", state === "painting" || state === "waiting");
    clearTimeout(this.slow);
    if (state === "painting") this.slow = setTimeout(() => this.#tell("Painting…"), SLOW_MS);
    else if (state === "waiting") this.#tell("Waiting for a place…");
    else if (state instanceof Error) this.#tell(state);
  }

  /** Shows a text in the line at the picture, an Error as the message above it. */
  #tell(what) {
    this.parts.status.textContent = what instanceof Error ? "" : what;
    if (!(what instanceof Error)) return;
    this.gone = what instanceof Gone;
    this.#note(what.message);
  }

  /** The message above the picture, with something to do where there is; null takes it away. */
  #note(text, { label, act } = {}) {
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
