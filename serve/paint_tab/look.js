/** The look: style and settings. The controls that set it, its history, and how it is remembered. */

import { make } from "./dom.js";

const NEUTRAL = { style: "", strength: 1, brush_size: 1, color: "painting", weights: [] };
const COLORS = ["painting", "photo", "palette"];
const STORED = "impasto.look";
const HISTORY = 100;

/** The look that was used last in this browser. */
export function storedLook() {
  try {
    return sound(JSON.parse(localStorage.getItem(STORED)));
  } catch {
    return { ...NEUTRAL }; // storage is forbidden, or holds something else
  }
}

/** The look of the settings in a file that Impasto painted, null where they are another command's. */
export function lookOf(settings) {
  if (settings?.command !== "paint" || !settings.style?.name) return null;
  return sound({ ...settings.options, style: settings.style.name });
}

/** A look of what was found somewhere; what makes no sense is neutral. */
function sound(found) {
  const { style, strength, brush_size, color, weights } = { ...NEUTRAL, ...found };
  const number = (value) => (Number.isFinite(value) ? value : 1);
  return {
    style: String(style),
    strength: number(strength),
    brush_size: number(brush_size),
    color: COLORS.includes(color) ? color : NEUTRAL.color,
    weights: Array.isArray(weights) ? weights.map(number) : [],
  };
}

export class History {
  constructor(look) {
    this.looks = [look];
    this.place = 0;
  }

  add(look) {
    if (JSON.stringify(look) === JSON.stringify(this.looks[this.place])) return;
    this.looks = [...this.looks.slice(0, this.place + 1), look].slice(-HISTORY);
    this.place = this.looks.length - 1;
    try {
      localStorage.setItem(STORED, JSON.stringify(look));
    } catch {
      // a browser that forbids storage only forgets the look
    }
  }

  /** Steps back (-1) or forth (1); gives the look there, undefined at the end. */
  go(step) {
    const look = this.looks[this.place + step];
    if (look) this.place += step;
    return look;
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place < this.looks.length - 1;
  }
}

/** A labeled slider whose number, when pressed, or a double click sets it back. */
class Slider {
  constructor({ label, min, max, step, neutral, log = false }, changed) {
    Object.assign(this, { label, neutral, log });
    const value = log ? Math.log2 : Number;
    this.input = make("input", { type: "range", min: value(min), max: value(max), step });
    this.number = make("button", { type: "button", className: "number", title: "Set back (or double-click the slider)" });
    this.element = make("div", { className: "slider" }, make("label", {}, make("span", {}, label), this.input), this.number);
    this.input.addEventListener("input", () => {
      this.current = Number((log ? 2 ** this.input.value : Number(this.input.value)).toFixed(2));
      this.#tell();
      changed(false);
    });
    this.input.addEventListener("change", () => changed(true));
    const reset = () => {
      this.value = neutral;
      changed(true);
    };
    this.number.addEventListener("click", reset);
    this.input.addEventListener("dblclick", reset);
    this.value = neutral;
  }

  /** As it was set, to the last digit, or as it was moved to, in hundredths. */
  get value() {
    return this.current;
  }

  set value(number) {
    this.current = number;
    this.input.value = this.log ? Math.log2(number) : number;
    this.#tell();
  }

  #tell() {
    const text = this.value.toFixed(2);
    this.number.textContent = text;
    this.number.setAttribute("aria-label", `${this.label} ${text}, set back to ${this.neutral}`);
    this.input.setAttribute("aria-valuetext", text);
  }
}

export class Controls {
  /** @param changed takes whether the change is finished, as when a slider is let go. */
  constructor(parts, colors, changed) {
    Object.assign(this, { parts, colors, changed });
    this.strength = new Slider({ label: "Strength", min: 0, max: 1.5, step: 0.01, neutral: 1 }, changed);
    this.brush = new Slider({ label: "Brush size", min: 0.25, max: 4, step: 0.05, neutral: 1, log: true }, changed);
    parts.sliders.append(this.strength.element, this.brush.element);
    for (const radio of colors) radio.addEventListener("change", () => changed(true));
    this.shares = [];
  }

  /** The settings; the style is the wall's. */
  get look() {
    const shares = this.shares.map((share) => share.value);
    const equal = shares.every((share) => share === shares[0]); // what an empty list says too; all 0 makes no sense
    return {
      strength: this.strength.value,
      brush_size: this.brush.value,
      color: [...this.colors].find((radio) => radio.checked).value,
      weights: equal ? [] : shares,
    };
  }

  set look({ strength, brush_size, color, weights }) {
    this.strength.value = strength;
    this.brush.value = brush_size;
    for (const radio of this.colors) radio.checked = radio.value === color;
    const largest = Math.max(...weights, 0);
    this.shares.forEach((share, number) => {
      share.value = weights.length === this.shares.length ? weights[number] / (largest || 1) : 1;
    });
  }

  /** One slider for each painting of a style that holds several. */
  showPaintings(paintings) {
    const several = paintings.length > 1 ? paintings : [];
    const slider = ({ title }) => new Slider({ label: title, min: 0, max: 1, step: 0.01, neutral: 1 }, this.changed);
    this.shares = several.map(slider);
    this.parts.shares.replaceChildren(...this.shares.map((share) => share.element));
    this.parts.blend.hidden = several.length === 0;
  }
}
