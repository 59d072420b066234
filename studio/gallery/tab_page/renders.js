/** The renders as the server told of them: kept up to date, filtered, counted and put in order. */

import { changesSince } from "./ask.js";

export const RATINGS = ["starred", "kept", "unrated", "rejected"];
export const FACETS = ["photo", "style", "kind", "rating"];

/** Names as people order them: 9 before 10. */
export const NAMES = new Intl.Collator(undefined, { numeric: true });

const ORDERS = {
  newest: (one, other) => other.changed - one.changed || other.id - one.id,
  promise: (one, other) => (other.promised ?? -1) - (one.promised ?? -1) || byName(one, other),
  name: byName,
};

export class Renders {
  constructor() {
    this.all = new Map();
    this.revision = 0;
    this.store = null;
    /** Ratings on their way to the server, by id: what it tells of them meanwhile is older. */
    this.pending = new Map();
  }

  /** Asks what has changed; gives the last answer, and whether anything has. */
  async refresh() {
    let changed = false;
    for (;;) {
      const answer = await changesSince(this.revision);
      if ((answer.store ?? null) !== this.store) {
        const known = this.all.size > 0 || this.revision > 0;
        Object.assign(this, { all: new Map(), revision: 0, store: answer.store ?? null });
        changed = true;
        if (known) continue; // another folder, or the same anew: from the beginning
      }
      if (answer.folder === null) return { answer, changed };
      for (const render of answer.renders) {
        const rating = this.pending.get(render.id) ?? render.rating;
        this.all.set(render.id, { ...render, rating });
      }
      for (const id of answer.gone) this.all.delete(id);
      changed ||= answer.renders.length + answer.gone.length > 0;
      this.revision = answer.revision;
      if (!answer.more) return { answer, changed };
    }
  }

  get(id) {
    return this.all.get(id);
  }

  /** The renders that a filter lets through, in an order: a name of `ORDERS`, or ids. */
  view(filter, order) {
    const found = [...this.all.values()].filter((render) => fits(render, filter));
    if (order === "promise") this.#promise();
    if (!Array.isArray(order)) return found.sort(ORDERS[order]);
    const place = new Map(order.map((id, number) => [id, number]));
    return found.sort((one, other) => (place.get(one.id) ?? Infinity) - (place.get(other.id) ?? Infinity));
  }

  /** How many there are of each value of a facet, as the other facets filter. */
  counts(filter, facet) {
    const rest = { ...filter, [facet]: "" };
    const counts = new Map();
    for (const render of this.all.values()) {
      const more = fits(render, rest) ? 1 : 0;
      counts.set(render[facet], (counts.get(render[facet]) ?? 0) + more);
    }
    return counts;
  }

  /** A final promises what its proof does. */
  #promise() {
    const all = [...this.all.values()];
    const proofs = all.filter(({ promise }) => promise !== null);
    const promises = new Map(proofs.map((render) => [fileStem(render), render.promise]));
    for (const render of all) render.promised = render.promise ?? promises.get(fileStem(render)) ?? null;
  }

  /** Those of some ids that are there. */
  some(ids) {
    return ids.map((id) => this.all.get(id)).filter(Boolean);
  }

  /** Proofs that were starred and have no final. */
  get unfinished() {
    const all = [...this.all.values()];
    const finals = new Set(all.filter(({ kind }) => kind === "final").map(fileStem));
    return all.filter(
      (render) => render.rating === "starred" && render.kind === "proof" && !finals.has(fileStem(render)),
    );
  }
}

/** A photo's name without its suffix. */
export function stem(name) {
  return name.replace(/\.[^.]+$/, "");
}

/** What a render is called. */
export function title({ photo, style, variant }) {
  return `${stem(photo)} · ${style.replaceAll("_", " ")}${variant && `, ${variant}`}`;
}

/** What the files of a proof and of its finals have in common. */
export function fileStem({ path }) {
  return stem(path.split("/").at(-1)).replace(/(-optimized)?(-\d+px|-original)?(-\dx)?$/, "");
}

function fits(render, filter) {
  return FACETS.every((facet) => !filter[facet] || render[facet] === filter[facet]);
}

function byName(one, other) {
  const { compare } = NAMES;
  return compare(one.photo, other.photo) || compare(one.style, other.style) || compare(one.path, other.path);
}
