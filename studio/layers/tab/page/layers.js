/** The Layers tab: a photo and its renders as a stack of layers, their masks painted by hand, saved as a file. */

import { make, partsOf } from "../paint_tab/dom.js";
import { BLENDS } from "./blend.js";
import { BrushControls } from "./brush_controls.js";
import { Editor } from "./editor.js";
import { Intake } from "./intake.js";
import { Keys } from "./keys.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { openStack, saveStack } from "./stack.js";
import { View } from "./view.js";
import { Work } from "./work.js";

class Tab {
  constructor(root) {
    this.root = root;
    this.parts = { ...partsOf(root), tab: root };
    this.editor = null;
    this.picture = new Picture(this.parts);
    this.work = new Work(this.parts, (what) => this.#tell(what));
    this.view = new View(this.parts, {
      begin: (point) => this.#begin(point),
      move: (point) => this.editor.move(point),
      end: () => this.editor.end(),
      cancel: () => this.editor.cancel(),
    });
    const levels = root.querySelectorAll("[name=layers-level]");
    this.brush = new BrushControls(this.parts, levels, () => (this.view.brush = this.brush?.size ?? 1));
    this.view.brush = this.brush.size;
    this.keys = new Keys(this, () => this.isSeen);
    this.panel = new Panel(this.parts, {
      choose: (id, part) => this.editor.choose(id, part),
      show: (id) => this.editor.toggle(id),
      fold: (id) => this.editor.fold(id),
      rename: (id, name) => this.editor.rename(id, name),
      place: (id, target) => this.editor.place(id, target),
      press: (event, id) => this.keys.row(event, id),
    });
    const make = (fields) => this.#make(fields);
    this.intake = new Intake(this.parts, () => this.isSeen, make, (files) => this.#add(files));
    this.#listen();
  }

  /** Whether the tab is the one that is open. */
  get isSeen() {
    return this.root.offsetParent !== null;
  }

  /** Shows or hides what the mask hides. */
  seeMask(sees = !this.picture.hasVeil) {
    this.picture.seesMask = sees;
    this.parts.see.setAttribute("aria-pressed", sees);
    this.picture.refresh({ left: 0, top: 0, ...this.editor.size });
  }

  travel(step) {
    const what = this.editor.travel(step);
    if (what !== undefined) this.#tell(`${step < 0 ? "Undone" : "Done again"}: ${what}`);
  }

  async #make(fields) {
    const opened = await this.work.do((signal, tell) => openStack(fields, signal, tell));
    if (opened) this.#open(opened, fields);
  }

  /** Adds renders to the layers that are open; false where none are. */
  #add(files) {
    if (!this.editor) return false;
    const fields = { ...this.fields, renders: [...this.fields.renders, ...files] };
    const { editor } = this;
    this.work.do((signal, tell) => openStack(fields, signal, tell)).then((opened) => {
      if (!opened || this.editor !== editor) return;
      this.fields = fields;
      this.panel.open(opened.width, opened.height, editor.sources);
      const names = editor.add(opened);
      this.#tell(names.length ? `Added ${names.join(", ")}` : "These are among the layers already.");
    });
    return true;
  }

  /** Hears what the gallery has for layers; makes them where it is told to. */
  #hear({ renders, opens }) {
    this.intake.offer(renders);
    if (!opens || !renders.length || !this.#leaves("Leave the layers that are open, and make new ones?")) return;
    this.intake.clear();
    this.intake.offer(renders);
    this.#close();
    this.#make(this.intake.fields);
  }

  /** Whether the artist wants to leave what is open, asked where it would be lost. */
  #leaves(question) {
    return !this.editor?.history.isUnsaved || confirm(question);
  }

  #open(opened, fields) {
    this.fields = fields;
    const { parts } = this;
    parts.intake.hidden = true;
    parts.editor.hidden = false;
    this.editor = new Editor(opened, (changes) => this.#show(changes));
    this.panel.open(opened.width, opened.height, opened.sources);
    this.view.open(opened.width, opened.height);
    this.picture.open(this.editor.size, opened.sources, this.editor.children);
    for (const option of parts.fill.options) {
      if (["subject", "edges", "saliency"].includes(option.value)) option.disabled = !opened.starts.has(option.value);
    }
    this.seeMask(false);
    this.#show({ list: true });
    this.panel.scrollTo(this.editor.chosenId);
    const [width, height] = opened.full;
    this.#tell(`Shown at ${opened.width} × ${opened.height} px; files have ${width} × ${height} px`);
  }

  #close() {
    this.editor = null;
    this.parts.editor.hidden = true;
    this.parts.intake.hidden = false;
    this.#tell("");
  }

  /** What is to be seen of what has changed. */
  #show({ list, rect }) {
    const { editor, parts } = this;
    const before = this.picture.mask;
    this.picture.children = editor.children;
    this.picture.mask = editor.chosen.mask ?? null;
    if (rect) this.picture.refresh(rect);
    else if (this.picture.hasVeil && before !== this.picture.mask) this.seeMask(true);
    if (!list) return;
    const { chosen } = editor;
    this.panel.show(editor.children, chosen.id, editor.part);
    this.#showBlends(chosen);
    parts.opacity.value = Math.round(chosen.opacity * 100);
    parts["opacity-text"].textContent = `${Math.round(chosen.opacity * 100)} %`;
    parts.fill.disabled = Boolean(chosen.children);
    parts.undo.disabled = !editor.history.canUndo;
    parts.redo.disabled = !editor.history.canRedo;
  }

  #showBlends({ children, blend }) {
    const names = children ? { pass_through: "Pass through", ...BLENDS } : BLENDS;
    const options = Object.entries(names).map(([value, name]) => make("option", { value }, name));
    this.parts.blend.replaceChildren(...options);
    this.parts.blend.value = blend;
  }

  #begin(point) {
    if (this.editor.begin(point, this.brush.brush)) return;
    const { chosen } = this.editor;
    const hidden = `${chosen.name} is hidden, or its group is; show it first.`;
    this.#tell(chosen.children ? "Choose a layer: a group has no mask to paint on." : hidden);
  }

  async #save() {
    const { editor, fields } = this;
    const { children } = editor;
    const format = this.parts.format.value;
    const saved = await this.work.do((signal, tell) => saveStack(fields, editor, format, signal, tell));
    if (!saved) return;
    const link = make("a", { href: URL.createObjectURL(saved.file), download: saved.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    if (children === editor.children && format !== "png") editor.history.save();
    this.#tell(`Saved ${saved.name}, ${saved.width} × ${saved.height} px`);
  }

  #listen() {
    const { parts } = this;
    const on = (part, event, act) => parts[part].addEventListener(event, act);
    const chosen = (act) => () => act(this.editor.chosen.id);
    on("see", "click", () => this.seeMask());
    on("fill", "change", () => {
      this.editor.fill(parts.fill.value);
      parts.fill.value = "";
    });
    on("blend", "change", chosen((id) => this.editor.set(id, { blend: parts.blend.value }, "the blend mode")));
    for (const [event, isFinished] of [["input", false], ["change", true]]) {
      const set = (id) => this.editor.set(id, { opacity: parts.opacity.value / 100 }, "the opacity", isFinished);
      on("opacity", event, chosen(set));
    }
    on("up", "click", chosen((id) => this.editor.step(id, 1)));
    on("down", "click", chosen((id) => this.editor.step(id, -1)));
    on("copy", "click", chosen((id) => this.editor.copy(id)));
    on("rename", "click", chosen((id) => this.panel.rename(id)));
    on("remove", "click", chosen((id) => this.editor.remove(id)));
    on("undo", "click", () => this.travel(-1));
    on("redo", "click", () => this.travel(1));
    on("out", "click", () => this.view.step(-1));
    on("in", "click", () => this.view.step(1));
    on("fit", "click", () => this.view.fit());
    on("help", "click", () => parts.keys.showModal());
    on("keys-close", "click", () => parts.keys.close());
    on("save", "click", () => this.#save());
    on("add", "click", () => parts.file.click());
    on("new", "click", () => {
      if (!this.#leaves("Leave these layers? What was done since they were last saved is lost.")) return;
      this.intake.clear();
      this.#close();
    });
    on("notice-close", "click", () => this.#tell(""));
    document.addEventListener("impasto:layers", (event) => {
      event.preventDefault(); // it was heard
      this.#hear(event.detail);
    });
    document.dispatchEvent(new CustomEvent("impasto:layers-wanted"));
    addEventListener("beforeunload", (event) => this.editor?.history.isUnsaved && event.preventDefault());
  }

  /** Shows a text in the line at the bottom, an Error as the message above. */
  #tell(what) {
    const isError = what instanceof Error;
    this.parts.status.textContent = isError ? "" : what;
    this.parts.notice.hidden = !isError;
    this.parts["notice-text"].textContent = isError ? what.message : "";
  }
}

/** Brings the tab to life. */
export function start(root) {
  return new Tab(root);
}
