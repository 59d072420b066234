/** Which renders are shown and in which order: the controls above the wall, with how many there are of each. */

import { make } from "../paint_tab/dom.js";
import { SIGNS } from "./ratings.js";
import { FACETS, NAMES, RATINGS, stem } from "./renders.js";

const STORED = "impasto.gallery";
const WORDS = {
  rating: { "": "All", starred: "Starred", kept: "Kept", unrated: "Unrated", rejected: "Rejected" },
  photo: { "": "All photos" },
  style: { "": "All styles" },
  kind: { "": "All kinds", proof: "Proofs", final: "Finals" },
};

export class Filters {
  /** @param changed takes whether only the size of the pictures has. */
  constructor(parts, changed) {
    Object.assign(this, { parts, changed });
    this.filter = Object.fromEntries(FACETS.map((facet) => [facet, ""]));
    const { order = "newest", size = 180 } = stored();
    parts.order.value = order;
    parts.size.value = size;
    for (const facet of ["photo", "style", "kind"]) {
      parts[facet].addEventListener("change", () => this.set(facet, parts[facet].value));
    }
    parts.order.addEventListener("change", () => this.#keep(false));
    parts.size.addEventListener("input", () => this.#keep(true));
    parts.clear.addEventListener("click", () => this.clear());
  }

  get order() {
    return this.parts.order.value;
  }

  get size() {
    return Number(this.parts.size.value);
  }

  resize(steps) {
    const { size } = this.parts;
    if (steps > 0) size.stepUp(2);
    else size.stepDown(2);
    this.#keep(true);
  }

  set(facet, value) {
    this.filter = { ...this.filter, [facet]: value };
    this.changed(false);
  }

  clear() {
    for (const facet of FACETS) this.filter[facet] = "";
    this.changed(false);
  }

  /** Shows what there is to choose from, and how many of each. */
  draw(renders) {
    for (const facet of ["photo", "style", "kind"]) {
      const counts = renders.counts(this.filter, facet);
      const values = [...counts.keys()].sort(NAMES.compare);
      const options = values.map((value) => [value, `${this.#name(facet, value)} (${counts.get(value)})`]);
      fill(this.parts[facet], [["", WORDS[facet][""]], ...options], this.filter[facet]);
    }
    this.#drawRatings(renders.counts(this.filter, "rating"));
  }

  #drawRatings(counts) {
    const place = this.parts.ratings;
    if (!place.children.length) place.append(...["", ...RATINGS].map((rating) => this.#chip(rating)));
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    for (const chip of place.children) {
      const { value } = chip.firstElementChild;
      chip.firstElementChild.checked = value === this.filter.rating;
      chip.lastElementChild.lastElementChild.textContent = value ? (counts.get(value) ?? 0) : all;
    }
  }

  #chip(rating) {
    const radio = make("input", { type: "radio", name: "gallery-rating", value: rating });
    radio.addEventListener("change", () => this.set("rating", rating));
    const sign = rating && SIGNS[rating].sign ? `${SIGNS[rating].sign} ` : "";
    return make("label", {}, radio, make("span", {}, `${sign}${WORDS.rating[rating]} `, make("small")));
  }

  #name(facet, value) {
    if (facet === "photo") return stem(value);
    return WORDS[facet][value] ?? value.replaceAll("_", " ");
  }

  #keep(onlySize) {
    try {
      localStorage.setItem(STORED, JSON.stringify({ order: this.order, size: this.size }));
    } catch {
      // a browser that forbids storage only forgets how the wall was
    }
    this.changed(onlySize);
  }
}

/** Gives a select its options, and leaves it alone where it has them: what is open stays open. */
function fill(select, options, value) {
  const listed = JSON.stringify(options);
  if (select.dataset.listed !== listed) {
    select.dataset.listed = listed;
    select.replaceChildren(...options.map(([option, text]) => make("option", { value: option }, text)));
  }
  select.value = value;
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}
