/** The Gallery tab: a wall of renders to be looked through, rated, compared, finished and taken to layers. */

import { Gone, pause } from "../paint_tab/api.js";
import { partsOf } from "../paint_tab/dom.js";
import { addressOf, likeThis, sendFinals } from "./ask.js";
import { Filters } from "./filters.js";
import { Keys } from "./keys.js";
import { Ratings, rateButtons } from "./ratings.js";
import { Renders, title } from "./renders.js";
import { Tray } from "./tray.js";
import { Viewer } from "./viewer.js";
import { Wall } from "./wall.js";
import { Words } from "./words.js";

const POLL_MS = 2000;
const SOON_MS = 200;
const MOST_BESIDE = 4;

class Tab {
  constructor(root) {
    this.root = root;
    this.parts = partsOf(root);
    this.renders = new Renders();
    this.words = new Words(this.parts);
    this.alike = null;
    this.ratings = new Ratings(this.renders, () => this.#changed(), (error) => this.words.tell(error));
    this.wall = new Wall(this.parts, () => this.tellChosen());
    this.filters = new Filters(this.parts, (onlySize) => this.#filtered(onlySize));
    this.viewer = new Viewer(this.parts, this.renders, {
      seen: (id) => this.wall.go(id),
      failed: (error) => this.words.tell(error),
    });
    this.tray = new Tray(this.parts, this.renders, (what) => this.words.tell(what));
    this.wall.size = this.filters.size;
    this.#listen();
    new Keys(this, () => this.#seen);
    this.#follow();
  }

  /** Whether the tab is the one that is open. */
  get #seen() {
    return this.root.offsetParent !== null && !document.hidden;
  }

  /** What keys are about: the render in the large view, or those that are chosen, or the current one. */
  get meant() {
    if (this.viewer.open) return this.renders.some([this.viewer.current?.id]).map(({ id }) => id);
    if (this.wall.chosen.size) return [...this.wall.chosen];
    return this.wall.currentRender ? [this.wall.currentRender.id] : [];
  }

  /** Asks the server for news now and then, for as long as the tab is open, and when it is opened. */
  async #follow() {
    for (let seen = false; ; ) {
      if (this.#seen) await this.#refresh();
      // Who opens the tab with the mouse goes on with the keys of the wall; who walks along the tabs stays there.
      if (this.#seen && !seen && !document.activeElement?.matches(":focus-visible")) this.parts.wall.focus();
      seen = this.#seen;
      await pause(this.#seen && !this.looking ? POLL_MS : SOON_MS);
    }
  }

  async #refresh() {
    try {
      const { store } = this.renders;
      const { answer, changed } = await this.renders.refresh();
      if (this.gone) this.words.tell("");
      this.gone = false;
      if (store !== this.renders.store) this.tray.follow(this.renders.store);
      this.sweep = answer.sweep;
      this.looking = answer.looking;
      this.words.describe(answer, this.renders.all.size);
      this.#tellCount();
      if (changed) this.#changed();
    } catch (error) {
      this.gone = error instanceof Gone;
      this.words.tell(error);
    }
  }

  /** Shows the renders as they are now. */
  #changed() {
    for (const id of this.wall.chosen) if (!this.renders.get(id)) this.wall.chosen.delete(id);
    this.filters.draw(this.renders);
    const shown = this.renders.view(this.filters.filter, this.alike ?? this.filters.order);
    this.wall.show(shown);
    this.parts.none.hidden = shown.length > 0;
    this.tray.draw();
    this.viewer.tell();
    this.tellChosen();
    this.#tellCount();
  }

  #filtered(onlySize) {
    this.wall.size = this.filters.size;
    if (onlySize) return;
    if (this.alike && this.filters.order !== this.orderBefore) this.showAlike(null);
    else this.#changed();
  }

  /** Puts those first that are like a render; null puts all back. */
  async showAlike(render) {
    if (render === undefined) return;
    try {
      this.alike = render && (await likeThis(render.id));
    } catch (error) {
      this.words.tell(error);
      return;
    }
    this.orderBefore = this.filters.order;
    const { parts } = this;
    parts.alike.hidden = !render;
    if (render) {
      parts["alike-text"].textContent = `Most like ${title(render)} first`;
      parts["alike-image"].src = addressOf(render, "thumbnail");
      for (const facet of Object.keys(this.filters.filter)) this.filters.filter[facet] = "";
      if (this.viewer.open) this.viewer.close();
    }
    this.wall.clear();
    this.#changed();
    parts.wall.scrollTop = 0;
    if (render) this.wall.go(render.id);
    parts.wall.focus();
  }

  rate(rating, goOn = false) {
    const ids = this.meant;
    this.ratings.rate(ids, rating);
    if (goOn && ids.length === 1) {
      if (this.viewer.open) this.viewer.step(1);
      else if (this.wall.currentRender?.id === ids[0]) this.wall.step(1);
    }
  }

  undo() {
    const [id] = this.ratings.undo();
    if (id === undefined) return;
    if (this.viewer.open && !this.viewer.several && this.viewer.row.includes(id)) this.viewer.show(this.viewer.row, id);
    else if (!this.viewer.open) this.wall.go(id);
  }

  zoom(id = this.wall.currentRender?.id) {
    if (id !== undefined) this.viewer.show(this.wall.renders.map((render) => render.id), id);
  }

  compare() {
    const ids = this.wall.renders.map(({ id }) => id).filter((id) => this.wall.chosen.has(id));
    if (ids.length >= 2) this.viewer.compare(ids.slice(0, MOST_BESIDE));
  }

  async #finish(ids) {
    try {
      const count = await sendFinals(ids);
      this.words.tell(count === 1 ? "1 final is queued." : `${count} finals are queued.`);
    } catch (error) {
      this.words.tell(error);
    }
  }

  get #chosenProofs() {
    return this.renders.some([...this.wall.chosen]).filter(({ kind }) => kind === "proof");
  }

  #listen() {
    const { parts } = this;
    const press = (name, what) => parts[name].addEventListener("click", what);
    const layers = () => this.tray.add(this.meant);
    rateButtons(parts.rate, (rating) => this.rate(rating));
    rateButtons(parts["viewer-rate"], (rating) => this.rate(rating));
    press("compare", () => this.compare());
    press("chosen-clear", () => this.clear());
    press("chosen-layers", layers);
    press("viewer-layers", layers);
    press("alike-open", () => this.showAlike(this.viewer.current));
    press("alike-close", () => this.showAlike(null));
    press("finish", () => this.#finish(this.renders.unfinished.map(({ id }) => id)));
    press("chosen-finish", () => this.#finish(this.#chosenProofs.map(({ id }) => id)));
    press("notice-close", () => this.words.note(""));
    press("help", () => parts.keys.showModal());
    press("keys-close", () => parts.keys.close());
    parts.wall.addEventListener("click", (event) => this.#click(event));
    const { menu } = parts;
    document.addEventListener("click", ({ target }) => menu.contains(target) || menu.removeAttribute("open"));
  }

  clear() {
    this.wall.clear();
    this.tellChosen();
    this.parts.wall.focus();
  }

  #click(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const id = Number(tile.dataset.id);
    if (event.shiftKey) this.wall.chooseTo(id);
    else {
      this.wall.go(id);
      const chooses = event.ctrlKey || event.metaKey || event.target.closest(".check");
      if (chooses) this.wall.choose(id, !this.wall.chosen.has(id));
      else this.zoom(id);
    }
    this.tellChosen();
  }

  /** Shows what can be done with what is chosen. */
  tellChosen() {
    const { parts } = this;
    const count = this.wall.chosen.size;
    parts.chosen.hidden = count === 0;
    parts["chosen-text"].textContent = `${count} chosen`;
    parts.compare.disabled = count < 2;
    parts.compare.title = count > MOST_BESIDE ? `The first ${MOST_BESIDE} of them: key C` : "Key C";
    parts["chosen-finish"].hidden = !this.sweep || this.#chosenProofs.length === 0;
  }

  #tellCount() {
    const { parts } = this;
    const starred = this.sweep ? this.renders.unfinished.length : 0;
    parts.finish.hidden = starred === 0;
    parts.finish.textContent = `Paint ${starred} starred large`;
    this.words.tellCount(this.wall.renders.length, this.renders.all.size);
  }
}

/** Brings the tab to life. */
export function start(root) {
  new Tab(root);
}
