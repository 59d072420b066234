/** An open stack: what it is now, what of it is chosen, and everything that is done to it. */

import { Stroke } from "./brush.js";
import { History } from "./history.js";
import { above, below, changed, copied, find, into, isShown, layers, placeOf, rows, stepped, without } from "./tree.js";

const WHITE = 255;

export class Editor {
  /**
   * @param opened `{width, height, children, sources, starts}`: `sources` are the layers' pixels by key, `starts`
   *   masks to begin with by their names, `chosen` the key of the layer to begin with.
   * @param shown takes what has changed: `{list, rect}`, the list of layers, and where the picture has.
   */
  constructor({ width, height, children, sources, starts, chosen }, shown) {
    this.size = { width, height };
    Object.assign(this, { sources, starts, shown, stroke: null, part: "mask" });
    this.made = madeMasks(children);
    this.lastId = 0;
    this.history = new History(this.#named(children));
    this.children = this.history.now;
    this.chosenId = (layers(this.children).find(({ key }) => key === chosen) ?? this.children.at(-1)).id;
  }

  get chosen() {
    return find(this.children, this.chosenId);
  }

  choose(id, part = this.part) {
    this.chosenId = id;
    this.part = part;
    this.shown({ list: true });
  }

  /** Chooses the next row up (-1) or down (1) in the list. */
  walk(step) {
    const list = rows(this.children);
    const next = list[list.findIndex(({ node }) => node.id === this.chosenId) + step];
    if (next) this.choose(next.node.id);
  }

  /** Changes a node; while `isFinished` is false, as when a slider is dragged, it is not noted yet. */
  set(id, properties, what, isFinished = true) {
    this.#become(changed(this.children, id, properties), what, isFinished);
  }

  toggle(id) {
    const { visible, name } = find(this.children, id);
    this.set(id, { visible: !visible }, `${visible ? "hiding" : "showing"} ${name}`);
  }

  /** Folds or opens a group, which is no work to be undone. */
  fold(id, folded = !find(this.children, id).folded) {
    if (!find(this.children, id).children) return;
    const states = this.history.states;
    for (const state of states) state.children = changed(state.children, id, { folded });
    this.children = this.history.now;
    if (!rows(this.children).some(({ node }) => node.id === this.chosenId)) this.chosenId = id;
    this.shown({ list: true });
  }

  step(id, step) {
    this.#become(stepped(this.children, id, step), `moving ${find(this.children, id).name}`);
  }

  /** Puts a node where the list says: below `under`, at the top of it where that is an open group, or on top of all. */
  place(id, { under, out }) {
    const node = find(this.children, id);
    const rest = without(this.children, id);
    let moved;
    if (!under) moved = into(rest, null, node, true);
    else if (under.children && !under.folded && !out) moved = into(rest, under.id, node, true);
    else {
      const { parent, index } = placeOf(rest, under.id);
      moved = out && parent && index === 0 ? below(rest, parent.id, node) : below(rest, under.id, node);
    }
    this.#become(moved, `moving ${node.name}`);
  }

  rename(id, name) {
    if (name === find(this.children, id).name) this.shown({ list: true });
    else this.set(id, { name }, `the name ${name}`);
  }

  /** Takes over the stack that was made with more renders of the same photo; gives the names of what is new. */
  add({ children, sources }) {
    const fresh = layers(children).filter(({ key }) => !this.sources.has(key));
    if (!fresh.length) return [];
    const group = children.find((child) => child.children && layers([child]).includes(fresh[0]));
    const home = this.children.find((child) => child.children && child.name === group?.name);
    for (const [key, source] of sources) this.sources.set(key, source);
    let tree = this.#remade(this.children, madeMasks(children));
    for (const layer of this.#named(fresh)) tree = into(tree, home?.id ?? null, layer, true);
    const names = fresh.map(({ name }) => name);
    this.#become(tree, `adding ${names.join(", ")}`, true, this.lastId);
    return names;
  }

  /** The nodes anew, those that had their mask as it was made with the one that is made now, where it is another. */
  #remade(children, made) {
    const before = this.made;
    this.made = new Map(made);
    for (const [key, mask] of before) if (isSame(mask, made.get(key))) this.made.set(key, mask);
    const each = (nodes) =>
      nodes.map((node) => {
        if (node.children) return { ...node, children: each(node.children) };
        const isMade = node.mask === before.get(node.key) && made.has(node.key);
        return { ...node, mask: isMade ? this.made.get(node.key) : node.mask };
      });
    return each(children);
  }

  copy(id) {
    const node = copied({ ...find(this.children, id), name: `${find(this.children, id).name} copy` }, this.nextId);
    this.#become(above(this.children, id, node), `duplicating ${node.name}`, true, node.id);
  }

  remove(id) {
    if (layers(without(this.children, id)).length === 0) return; // something must be left to show
    const list = rows(this.children);
    const at = list.findIndex(({ node }) => node.id === id);
    const rest = without(this.children, id);
    const neighbor = [...list.slice(at + 1), ...list.slice(0, at).reverse()].find(({ node }) => find(rest, node.id));
    this.#become(rest, `deleting ${list[at].node.name}`, true, neighbor.node.id);
  }

  /** Fills the mask of the chosen layer: "white", "black", "invert", "none", or the name of a mask to begin with. */
  fill(how) {
    const layer = this.chosen;
    if (layer.children) return;
    const { width, height } = this.size;
    let mask = this.starts.get(how) ?? null;
    if (how === "white" || how === "black") mask = new Uint8Array(width * height).fill(how === "white" ? WHITE : 0);
    if (how === "invert") mask = layer.mask ? layer.mask.map((level) => WHITE - level) : new Uint8Array(width * height);
    this.part = mask ? "mask" : "picture";
    this.set(layer.id, { mask }, `the mask of ${layer.name}`);
  }

  /** Begins a stroke on the mask of the chosen layer, which gets one where it has none; false where none is seen. */
  begin(point, brush) {
    const layer = this.chosen;
    if (layer.children || !isShown(this.children, layer.id)) return false;
    const { width, height } = this.size;
    const mask = layer.mask ?? new Uint8Array(width * height).fill(WHITE);
    this.stroke = new Stroke(mask, width, height, brush);
    if (point.isLine && this.lastPoint) this.stroke.to(this.lastPoint.x, this.lastPoint.y, this.lastPoint.pressure);
    this.part = "mask";
    this.children = changed(this.children, layer.id, { mask: this.stroke.mask });
    this.move(point);
    return true;
  }

  move(point) {
    if (!this.stroke) return;
    const rect = this.stroke.to(point.x, point.y, point.pressure);
    this.lastPoint = point;
    if (rect) this.shown({ rect });
  }

  end() {
    if (!this.stroke) return;
    this.stroke = null;
    this.history.add(this.children, `painting on the mask of ${this.chosen.name}`);
    this.shown({ list: true });
  }

  /** Forgets a stroke that has begun, as when a second finger comes. */
  cancel() {
    if (!this.stroke) return;
    this.stroke = null;
    this.#become(this.history.now, "", false);
  }

  /** Goes back (-1) or forth (1); gives what was undone or done again. */
  travel(step) {
    if (this.stroke) return undefined;
    const what = this.history.go(step);
    if (what !== undefined) this.#become(this.history.now, "", false);
    return what;
  }

  nextId = () => ++this.lastId;

  #become(children, what, isNoted = true, chosenId = this.chosenId) {
    this.children = children;
    if (isNoted) this.history.add(children, what);
    this.chosenId = find(children, chosenId) ? chosenId : children.at(-1).id;
    this.shown({ list: true, rect: { left: 0, top: 0, ...this.size } });
  }

  #named(children) {
    return children.map((child) => ({
      ...child,
      id: this.nextId(),
      ...(child.children && { children: this.#named(child.children), folded: false }),
    }));
  }
}

/** The masks of a stack's layers by their keys, as the server made them. */
function madeMasks(children) {
  return new Map(layers(children).map(({ key, mask }) => [key, mask]));
}

function isSame(mask, other) {
  return mask === other || Boolean(mask && other && mask.every((level, at) => level === other[at]));
}
