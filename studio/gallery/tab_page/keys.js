/** The keys of the Gallery tab: they rate on the wall and in the large view, and walk along the wall. */

import { ratingOf } from "./ratings.js";

export class Keys {
  constructor(tab, isSeen) {
    this.tab = tab;
    const isFor = (event) => isSeen() && !tab.parts.keys.open && !isTaken(event);
    document.addEventListener("keydown", (event) => isFor(event) && this.#press(event));
  }

  #press(event) {
    const { tab } = this;
    const command = event.ctrlKey || event.metaKey;
    if (command || event.altKey) {
      if (!command || event.key.toLowerCase() !== "z" || event.shiftKey) return;
      tab.undo();
    } else if (!this.#rate(event) && !(tab.viewer.open ? tab.viewer.press(event) : this.#walk(event))) return;
    event.preventDefault();
  }

  #rate({ key, shiftKey }) {
    const { tab } = this;
    const rating = ratingOf(key.toLowerCase());
    if (rating) tab.rate(rating, shiftKey);
    else if (key === "?") tab.parts.keys.showModal();
    else if (key.toLowerCase() === "l") tab.tray.add(tab.meant);
    else if (key.toLowerCase() === "m") tab.showAlike(tab.renders.get(tab.meant[0]));
    else return false;
    return true;
  }

  #walk(event) {
    const { tab } = this;
    const { wall } = tab;
    const keys = {
      " ": () => wall.currentRender && wall.choose(wall.current, !wall.chosen.has(wall.current)),
      c: () => tab.compare(),
      "+": () => tab.filters.resize(1),
      "=": () => tab.filters.resize(1),
      "-": () => tab.filters.resize(-1),
      Enter: () => tab.zoom(),
      Escape: () => (wall.chosen.size || !tab.alike ? tab.clear() : tab.showAlike(null)),
    };
    const what = keys[event.key] ?? keys[event.key.toLowerCase()];
    what?.();
    const isMine = Boolean(what) || wall.walk(event);
    if (isMine) tab.tellChosen();
    return isMine;
  }
}

/** Whether a key is for what has the focus. */
function isTaken({ target, key }) {
  return (
    target.closest("dialog")?.dataset.part === "keys" ||
    target.matches("input:not([type=radio]), select, textarea") ||
    (target.matches("button, summary, a, input") && ["Enter", " "].includes(key)) ||
    (target.matches("[role=tab], input") && key.startsWith("Arrow"))
  );
}
