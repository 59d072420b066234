/** How photos come in: chosen, dropped, pasted, from the camera, or one of the examples. */

import { Gone } from "./api.js";
import { Camera } from "./camera.js";
import { make } from "./dom.js";

const EXAMPLES = ["astronaut", "chelsea", "coffee", "rocket"];

export class Intake {
  /**
   * @param seen tells whether the tab is the one that is open: what is dropped on another is not for us.
   * @param open takes a File.
   * @param failed takes an Error.
   */
  constructor(parts, seen, open, failed) {
    Object.assign(this, { seen, open, failed });
    const { file, stage } = parts;
    const camera = new Camera(parts, open);
    parts.camera.addEventListener("click", () => camera.open());
    for (const button of [parts.choose, parts.new]) button.addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      if (file.files[0]) open(file.files[0]);
      file.value = ""; // so that the same file may be chosen again
    });
    document.addEventListener("paste", (event) => this.#receive(event, event.clipboardData));
    document.addEventListener("dragover", (event) => {
      if (!seen() || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      stage.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget ?? stage.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      stage.classList.remove("over");
      this.#receive(event, event.dataTransfer);
    });
    parts.examples.append(...EXAMPLES.map((name) => this.#example(name)));
  }

  #receive(event, data) {
    const file = data?.files[0];
    if (!file || !this.seen()) return;
    event.preventDefault();
    this.open(file);
  }

  #example(name) {
    const source = new URL(`examples/${name}`, import.meta.url);
    const picture = make("img", { src: source, alt: "" });
    const button = make("button", { type: "button", title: name, ariaLabel: `Example photo: ${name}` }, picture);
    button.addEventListener("click", async () => {
      const blob = await fetch(source).then((response) => response.blob(), () => null);
      if (!blob) return this.failed(new Gone());
      const suffix = blob.type === "image/png" ? "png" : "jpg";
      this.open(new File([blob], `${name}.${suffix}`, { type: blob.type }));
    });
    return make("li", {}, button);
  }
}
