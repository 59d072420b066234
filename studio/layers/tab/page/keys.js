/** The keys of the Layers tab, those of painting programs where they have them. */

export class Keys {
  constructor(tab, isSeen) {
    this.tab = tab;
    const isFor = (event) => isSeen() && tab.editor && !tab.parts.keys.open && !isTyped(event.target);
    document.addEventListener("keydown", (event) => isFor(event) && this.#press(event));
    document.addEventListener("keyup", (event) => event.key === " " && (tab.view.hand = false));
  }

  #press(event) {
    const { editor, view, brush, parts } = this.tab;
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    const acts = command
      ? {
          z: () => this.tab.travel(event.shiftKey ? 1 : -1),
          y: () => this.tab.travel(1),
          i: () => editor.fill("invert"),
          j: () => editor.copy(editor.chosenId),
        }
      : {
          x: () => brush.swap(),
          "[": () => brush.resize(-1),
          "]": () => brush.resize(1),
          "{": () => brush.harden(-1),
          "}": () => brush.harden(1),
          "\\": () => this.tab.seeMask(),
          "+": () => view.step(1),
          "=": () => view.step(1),
          "-": () => view.step(-1),
          0: () => view.fit(),
          1: () => view.actual(),
          "?": () => parts.keys.showModal(),
        };
    if (key === " " && event.target === parts.stage) view.hand = true;
    else if (acts[key] && !event.altKey) acts[key]();
    else return;
    event.preventDefault();
  }

  /** A key on a row of the list. */
  row(event, id) {
    const { editor, panel } = this.tab;
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step && event.altKey) editor.step(id, step);
    else if (step) editor.walk(-step);
    else if (event.key === " ") editor.toggle(id);
    else if (event.key === "ArrowLeft") editor.fold(id, true);
    else if (event.key === "ArrowRight") editor.fold(id, false);
    else if (event.key === "F2") panel.rename(id);
    else if (event.key === "Delete" || event.key === "Backspace") editor.remove(id);
    else return;
    event.preventDefault();
  }
}

/** Whether keys are for what has the focus. */
function isTyped(target) {
  return target.matches("input:not([type=range], [type=radio]), select, textarea");
}
