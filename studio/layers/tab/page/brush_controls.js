/** The brush's settings: what it paints, how large, how hard, how strong; by controls and keys. */

const SIZES_PX = [2, 600];
const STEP = 1.2;

export class BrushControls {
  /** @param changed is told when a setting is another. */
  constructor(parts, levels, changed) {
    Object.assign(this, { parts, levels, changed });
    const { size, hardness, strength } = parts;
    size.addEventListener("input", () => this.#tell(SIZES_PX[0] * (SIZES_PX[1] / SIZES_PX[0]) ** size.value));
    for (const input of [hardness, strength]) input.addEventListener("input", () => this.#tell(this.size));
    hardness.value = 50;
    strength.value = 100;
    this.#tell(80);
  }

  /** As `Stroke` takes it. */
  get brush() {
    const { hardness, strength } = this.parts;
    const level = Number([...this.levels].find((radio) => radio.checked).value);
    return { size: this.size, hardness: hardness.value / 100, strength: strength.value / 100, level };
  }

  /** From showing to hiding, and back. */
  swap() {
    for (const radio of this.levels) {
      if (!radio.checked) return void (radio.checked = true);
    }
  }

  /** Larger (1) or smaller (-1). */
  resize(direction) {
    this.#tell(this.size * STEP ** direction);
  }

  /** Harder (1) or softer (-1). */
  harden(direction) {
    this.parts.hardness.value = Number(this.parts.hardness.value) + 10 * direction;
    this.#tell(this.size);
  }

  #tell(size) {
    const { parts } = this;
    this.size = Math.min(SIZES_PX[1], Math.max(SIZES_PX[0], size));
    parts.size.value = Math.log(this.size / SIZES_PX[0]) / Math.log(SIZES_PX[1] / SIZES_PX[0]);
    const pixels = `${Math.round(this.size)} px`;
    parts["size-text"].textContent = pixels;
    parts.size.setAttribute("aria-valuetext", pixels);
    for (const name of ["hardness", "strength"]) parts[`${name}-text`].textContent = `${parts[name].value} %`;
    this.changed();
  }
}
