/** What the artist thinks of renders: shown at once, noted by the server in the order of the keys, taken back. */

import { make } from "../paint_tab/dom.js";
import { sendRatings } from "./ask.js";

const HISTORY = 500;

/** Each rating's key, what it is called, and its sign. */
export const SIGNS = {
  starred: { key: "s", word: "Star", sign: "★" },
  kept: { key: "k", word: "Keep", sign: "✓" },
  rejected: { key: "x", word: "Reject", sign: "✕" },
  unrated: { key: "u", word: "Unrate", sign: "" },
};

/** The rating of a key, undefined where it is none. */
export function ratingOf(key) {
  return Object.keys(SIGNS).find((rating) => SIGNS[rating].key === key);
}

export class Ratings {
  /**
   * @param changed takes nothing: some are others than before.
   * @param failed takes the Error that kept the server from noting one.
   */
  constructor(renders, changed, failed) {
    Object.assign(this, { renders, changed, failed });
    this.history = [];
    this.sent = Promise.resolve();
  }

  rate(ids, rating) {
    const others = this.renders.some(ids).filter((render) => render.rating !== rating);
    if (others.length === 0) return;
    this.history = [...this.history, new Map(others.map((render) => [render.id, render.rating]))].slice(-HISTORY);
    this.#set(new Map(others.map((render) => [render.id, rating])));
  }

  /** Takes back the last rating; the ids that it was of. */
  undo() {
    const before = this.history.pop();
    if (before) this.#set(before);
    return before ? [...before.keys()] : [];
  }

  #set(ratings) {
    const { all, pending } = this.renders;
    const before = new Map(this.renders.some([...ratings.keys()]).map((render) => [render.id, render.rating]));
    const show = (values) => {
      for (const [id, rating] of values) if (all.has(id)) all.set(id, { ...all.get(id), rating });
      this.changed();
    };
    for (const [id, rating] of ratings) pending.set(id, rating);
    show(ratings);
    this.sent = this.sent.then(async () => {
      const mine = () => [...ratings].filter(([id, rating]) => pending.get(id) === rating);
      try {
        await sendRatings(Object.fromEntries(ratings));
      } catch (error) {
        show(mine().map(([id]) => [id, before.get(id)]));
        this.failed(error);
      }
      for (const [id] of mine()) pending.delete(id);
    });
  }
}

/** Buttons that rate. */
export function rateButtons(place, rate) {
  const button = ([rating, { key, word, sign }]) => {
    const made = make("button", { type: "button", title: `Key ${key.toUpperCase()}` }, sign ? `${sign} ${word}` : word);
    made.dataset.rating = rating;
    made.setAttribute("aria-keyshortcuts", key.toUpperCase());
    made.addEventListener("click", () => rate(rating));
    return made;
  };
  place.replaceChildren(...Object.entries(SIGNS).map(button));
}

/** Marks the one of a render; what is not rated has none. */
export function markRating(place, rating) {
  const isIt = ({ dataset }) => dataset.rating === rating && rating !== "unrated";
  for (const button of place.children) button.setAttribute("aria-pressed", isIt(button));
}
