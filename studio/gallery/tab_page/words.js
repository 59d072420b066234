/** What the Gallery tab says: of the folder and its renders, in passing, and of what went wrong. */

import { make } from "../paint_tab/dom.js";

const PASSING_MS = 6000;

export class Words {
  constructor(parts) {
    this.parts = parts;
    this.count = { shown: 0, all: 0 };
    this.undrawn = 0;
  }

  /** Says what the folder is, as the server tells of it, in which there are so many renders. */
  describe(answer, count) {
    const { parts } = this;
    parts.empty.hidden = count > 0;
    parts.head.hidden = parts.wall.hidden = count === 0;
    if (answer.folder === null) {
      this.#advise("No pictures to choose from yet", "Paint photos in many styles, and they appear here as they come:");
    } else if (count === 0) {
      this.#advise(`Nothing painted in ${answer.folder} yet`, "What Impasto paints there appears here as it comes:");
    }
    if (answer.problem !== this.problem) this.tell(answer.problem ? new Error(answer.problem) : "");
    this.problem = answer.problem;
    this.undrawn = answer.undrawn ?? 0;
    const broken = answer.broken ?? [];
    parts.broken.hidden = broken.length === 0;
    parts["broken-text"].textContent = `${broken.length} ${broken.length === 1 ? "file" : "files"} cannot be read`;
    parts["broken-list"].replaceChildren(...broken.map((reason) => make("li", {}, reason)));
  }

  #advise(heading, text) {
    this.parts["empty-title"].textContent = heading;
    this.parts["empty-text"].textContent = text;
    this.parts["empty-command"].textContent = "impasto sweep photos/ -o sweep";
  }

  /** Says how many renders the wall shows of how many. */
  tellCount(shown, all) {
    this.count = { shown, all };
    this.#draw();
  }

  /** Says something in passing, or as a notice what went wrong. */
  tell(what) {
    this.note(what instanceof Error ? what.message : "");
    if (what instanceof Error) return;
    this.said = what;
    clearTimeout(this.forget);
    this.forget = setTimeout(() => {
      this.said = "";
      this.#draw();
    }, PASSING_MS);
    this.#draw();
  }

  note(text) {
    this.parts["notice-text"].textContent = text;
    this.parts.notice.hidden = !text;
  }

  #draw() {
    const { shown, all } = this.count;
    const words = [shown === all ? `${all} renders` : `${shown} of ${all} renders`];
    if (this.undrawn > 0) words.push(`${this.undrawn} thumbnails to come`);
    if (this.said) words.unshift(this.said);
    this.parts.status.textContent = all ? words.join(" · ") : "";
  }
}
