/** What is taken to layers: kept in this browser, told to the Layers tab, and made a command of. */

import { make } from "../paint_tab/dom.js";
import { addressOf, layersCommands } from "./ask.js";
import { title } from "./renders.js";

const STORED = "impasto.tray";

export class Tray {
  /** @param told takes a line, or an Error. */
  constructor(parts, renders, told) {
    Object.assign(this, { parts, renders, told });
    this.ids = [];
    this.opens = false;
    parts["tray-clear"].addEventListener("click", () => this.#set([]));
    parts["tray-open"].addEventListener("click", () => this.#open());
    document.addEventListener("impasto:layers-wanted", () => this.#tell());
    parts["tray-copy"].addEventListener("click", () => this.#copy());
  }

  /** Takes up what was kept for a store. */
  follow(store) {
    this.store = store;
    this.ids = stored(store);
  }

  /** Takes renders in. */
  add(ids) {
    this.#set([...new Set([...this.ids, ...ids])]);
    this.told(`${this.#there.length} for layers.`);
  }

  /** Shows what is in it, as far as it is there, and tells the Layers tab. */
  draw() {
    const { parts } = this;
    const there = this.#there;
    this.#tell();
    const listed = JSON.stringify(there.map(({ id, v }) => [id, v]));
    if (listed === this.listed) return; // a command that is shown stays
    this.listed = listed;
    parts.tray.hidden = there.length === 0;
    parts["tray-commands"].hidden = true;
    const item = (render) => {
      const name = `Take ${title(render)} out`;
      const button = make("button", { type: "button", title: name }, make("img", { alt: "", src: addressOf(render, "thumbnail") }));
      button.setAttribute("aria-label", name);
      button.addEventListener("click", () => this.#set(this.ids.filter((id) => id !== render.id)));
      return make("li", {}, button);
    };
    parts["tray-list"].replaceChildren(...there.map(item));
  }

  /** Opens the Layers tab, where it is on the page, and has it make layers. */
  #open() {
    this.opens = true;
    const tabs = document.querySelectorAll("[role=tab], .overflow-dropdown button"); // the latter of a narrow page
    [...tabs].find((tab) => tab.textContent.trim() === "Layers")?.click();
    this.#tell();
  }

  /** Tells the Layers tab what is there, and whether it is to open it; where it is not there yet, it will ask. */
  #tell() {
    const detail = { renders: this.#there.map(({ id }) => id), opens: this.opens };
    const wasHeard = !document.dispatchEvent(new CustomEvent("impasto:layers", { detail, cancelable: true }));
    if (wasHeard) this.opens = false;
  }

  get #there() {
    return this.renders.some(this.ids);
  }

  #set(ids) {
    this.ids = ids;
    try {
      localStorage.setItem(STORED, JSON.stringify({ store: this.store, ids }));
    } catch {
      // a browser that forbids storage only forgets the tray
    }
    this.draw();
  }

  async #copy() {
    try {
      const commands = (await layersCommands(this.#there.map(({ id }) => id))).join("\n");
      this.parts["tray-commands"].textContent = commands;
      this.parts["tray-commands"].hidden = false;
      await navigator.clipboard?.writeText(commands).catch(() => {}); // it is there to be copied by hand
      this.told("The command is below, and copied if the browser allows it.");
    } catch (error) {
      this.told(error);
    }
  }
}

function stored(store) {
  try {
    const found = JSON.parse(localStorage.getItem(STORED));
    return found.store === store ? found.ids.filter(Number.isInteger) : [];
  } catch {
    return [];
  }
}
