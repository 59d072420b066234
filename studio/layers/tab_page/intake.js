/** How pictures come in: chosen, dropped, pasted, or sent from the gallery; and which of them is the photo. */

import { make } from "../paint_tab/dom.js";

export class Intake {
  /** @param opened takes `{photo, renders, masks}` when the artist has the layers made. */
  constructor(parts, isSeen, opened) {
    Object.assign(this, { parts, opened, files: [], photo: null });
    const { file, tab } = parts;
    parts.choose.addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      this.add([...file.files]);
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
    parts.make.addEventListener("click", () => {
      const renders = this.files.filter((each) => each !== this.photo);
      this.opened({ photo: this.photo, renders, masks: parts.masks.value });
    });
  }

  /** Takes more pictures; the photo is the one that the others are named after, until another is chosen. */
  add(files) {
    this.files.push(...files);
    const likely = this.files.find((file) => this.files.filter((other) => isOf(other, file)).length > 0);
    if (!this.files.includes(this.photo) || !this.isChosen) this.photo = likely ?? this.files[0] ?? null;
    this.show();
  }

  clear() {
    Object.assign(this, { files: [], photo: null, isChosen: false });
    this.show();
  }

  show() {
    const { files, making, make: button } = this.parts;
    for (const image of files.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    files.hidden = making.hidden = this.files.length === 0;
    files.replaceChildren(...this.files.map((file) => this.#item(file)));
    button.disabled = this.files.length < 2;
    button.title = this.files.length < 2 ? "Add at least one painted version of the photo" : "";
  }

  #receive(event, data) {
    const files = [...(data?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  #item(file) {
    const picture = make("img", { src: URL.createObjectURL(file), alt: "" });
    picture.addEventListener("error", () => picture.replaceWith(make("div", { className: "blank" }))); // TIFF, HEIC
    const radio = make("input", { type: "radio", name: "layers-photo", checked: file === this.photo });
    radio.addEventListener("change", () => {
      this.photo = file;
      this.isChosen = true;
    });
    const remove = make("button", { type: "button", title: "Leave out", ariaLabel: `Leave out ${file.name}` }, "×");
    remove.addEventListener("click", () => {
      this.files = this.files.filter((other) => other !== file);
      this.add([]);
    });
    return make("li", {}, picture, make("span", { title: file.name }, file.name), make("label", {}, radio, "The photo"), remove);
  }
}

/** Whether a file is named after another, as `cat-waves.png` is after `cat.jpg`. */
function isOf(file, photo) {
  const stem = (name) => name.replace(/\.[^.]*$/, "");
  return file !== photo && stem(file.name).startsWith(`${stem(photo.name)}-`);
}
