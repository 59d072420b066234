/** How pictures come in: chosen, dropped, pasted, or sent from the gallery; and which of them is the photo. */

import { make } from "../paint_tab/dom.js";

export class Intake {
  /**
   * @param makes takes the fields of a request when the artist has the layers made.
   * @param adds takes files where layers are open; else it gives false, and they are for new ones.
   */
  constructor(parts, isSeen, makes, adds) {
    Object.assign(this, { parts, adds, files: [], photo: null, picks: [], offered: "" });
    const { file, tab } = parts;
    parts.choose.addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      this.#take([...file.files]);
      file.value = ""; // so that the same file may be chosen again
    });
    document.addEventListener("paste", (event) => isSeen() && this.#receive(event, event.clipboardData));
    document.addEventListener("dragover", (event) => {
      if (!isSeen() || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      tab.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget ?? tab.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      tab.classList.remove("over");
      if (isSeen()) this.#receive(event, event.dataTransfer);
    });
    parts.make.addEventListener("click", () => makes(this.fields));
  }

  /** What the layers are to be made of, as the server takes it. */
  get fields() {
    const renders = this.files.filter((each) => each !== this.photo);
    return { ...(this.photo && { photo: this.photo }), renders, picks: this.picks, masks: this.parts.masks.value };
  }

  /** Takes the renders that the gallery has for layers, by their ids, instead of those before. */
  offer(picks) {
    if (String(picks) === this.offered) return; // some of them may have been left out since
    this.offered = String(picks);
    this.#pickAll(picks);
  }

  #pickAll(picks) {
    this.picks = picks;
    this.show();
  }

  /** Takes more pictures; the photo is the one that the others are named after, until another is chosen. */
  add(files) {
    this.files.push(...files);
    const likely = this.files.find((file) => this.files.filter((other) => isOf(other, file)).length > 0);
    if (!this.files.includes(this.photo) || !this.isChosen) this.photo = likely ?? this.files[0] ?? null;
    this.show();
  }

  clear() {
    Object.assign(this, { files: [], photo: null, picks: [], offered: "", isChosen: false });
    this.show();
  }

  show() {
    const { files, making, make: button } = this.parts;
    for (const image of files.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    const items = [...this.picks.map((id) => this.#pick(id)), ...this.files.map((file) => this.#item(file))];
    files.hidden = making.hidden = items.length === 0;
    files.replaceChildren(...items);
    button.disabled = this.picks.length === 0 && this.files.length < 2;
    button.title = button.disabled ? "Add at least one painted version of the photo" : "";
  }

  #receive(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.#take(files);
  }

  #take(files) {
    if (!this.adds(files)) this.add(files);
  }

  #pick(id) {
    const picture = make("img", { src: `gallery/renders/${id}/thumbnail`, alt: "" });
    const remove = leaveOut("this render", () => this.#pickAll(this.picks.filter((other) => other !== id)));
    return make("li", {}, picture, make("span", {}, "from the Gallery"), remove);
  }

  #item(file) {
    const picture = make("img", { src: URL.createObjectURL(file), alt: "" });
    picture.addEventListener("error", () => picture.replaceWith(make("div", { className: "blank" }))); // TIFF, HEIC
    const radio = make("input", { type: "radio", name: "layers-photo", checked: file === this.photo });
    radio.addEventListener("change", () => {
      this.photo = file;
      this.isChosen = true;
    });
    const remove = leaveOut(file.name, () => {
      this.files = this.files.filter((other) => other !== file);
      this.add([]);
    });
    const name = make("span", { title: file.name }, file.name);
    return make("li", {}, picture, name, make("label", {}, radio, "The photo"), remove);
  }
}

function leaveOut(name, act) {
  const button = make("button", { type: "button", title: "Leave out", ariaLabel: `Leave out ${name}` }, "×");
  button.addEventListener("click", act);
  return button;
}

/** Whether a file is named after another, as `cat-waves.png` is after `cat.jpg`. */
function isOf(file, photo) {
  const stem = (name) => name.replace(/\.[^.]*$/, "");
  return file !== photo && stem(file.name).startsWith(`${stem(photo.name)}-`);
}
