/** Work that the server does, one at a time: how far it is, and a way to end it. */

const LEAST_SHARE = 0.3; // before that, the time left is a guess: the parts of the work are unlike

export class Work {
  /** @param report takes an Error, or a text. */
  constructor(parts, report) {
    Object.assign(this, { parts, report });
    parts.cancel.addEventListener("click", () => this.abort?.abort());
  }

  /** Does a piece of work, which gets a signal and takes events; gives its result, undefined where it fails. */
  async do(act) {
    if (this.abort) return undefined;
    const { working, progress, cancel } = this.parts;
    this.abort = new AbortController();
    working.hidden = false;
    progress.removeAttribute("value");
    this.#tell("");
    this.report("");
    cancel.focus();
    try {
      return await act(this.abort.signal, (event) => this.#follow(event));
    } catch (error) {
      this.report(error.name === "AbortError" ? "Canceled" : error);
      return undefined;
    } finally {
      working.hidden = true;
      this.abort = null;
    }
  }

  #follow({ event, position, share, seconds_left }) {
    if (event === "busy") this.#tell("waiting for a place");
    if (event === "waiting") this.#tell(`number ${position} in the line`);
    if (event === "begun") this.#tell("");
    if (event !== "progress") return;
    this.parts.progress.value = share;
    this.#tell(share > LEAST_SHARE ? timeLeft(seconds_left) : "");
  }

  #tell(text) {
    this.parts.left.textContent = text;
  }
}

function timeLeft(seconds) {
  if (seconds < 1) return "";
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}
