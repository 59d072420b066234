/** The states of a stack, to go back and forth among. */

const STATES = 60; // each holds at most one mask that no other has

export class History {
  constructor(children) {
    this.states = [{ children, what: "" }];
    this.place = 0;
    this.saved = this.states[0];
  }

  get now() {
    return this.states[this.place].children;
  }

  /** Adds a state; `what` says what was done, as in "opacity of Waves". */
  add(children, what) {
    if (children === this.now) return;
    this.states = [...this.states.slice(0, this.place + 1), { children, what }].slice(-STATES);
    this.place = this.states.length - 1;
  }

  /** Steps back (-1) or forth (1); gives what is undone or done again, undefined at the end. */
  go(step) {
    const state = this.states[this.place + step];
    if (!state) return undefined;
    const { what } = step < 0 ? this.states[this.place] : state;
    this.place += step;
    return what;
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place < this.states.length - 1;
  }

  /** Notes that a file has what there is now. */
  save() {
    this.saved = this.states[this.place];
  }

  /** Whether there is work that no file has. */
  get isUnsaved() {
    return this.states[this.place] !== this.saved;
  }
}
