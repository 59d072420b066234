/** The stack as a tree that is never changed, only made anew: so each state of it can be kept and gone back to.
 *
 * A layer is `{id, key, name, opacity, blend, visible, mask}`, where `mask` are its levels, null without one. A group
 * has `children`, bottom to top, and `folded`.
 */

/** The node of an id, undefined where there is none. */
export function find(children, id) {
  for (const child of children) {
    const found = child.id === id ? child : child.children && find(child.children, id);
    if (found) return found;
  }
  return undefined;
}

/** With some properties of a node changed. */
export function changed(children, id, properties) {
  return mapped(children, id, (node) => [{ ...node, ...properties }]);
}

export function without(children, id) {
  return mapped(children, id, () => []);
}

/** With a node put above another. */
export function above(children, id, node) {
  return mapped(children, id, (found) => [found, node]);
}

/** With a node put into a group, at its bottom or top; into the stack itself where `id` is null. */
export function into(children, id, node, atTop) {
  const put = (list) => (atTop ? [...list, node] : [node, ...list]);
  return id === null ? put(children) : mapped(children, id, (group) => [{ ...group, children: put(group.children) }]);
}

/** Where a node is: `{parent, siblings, index}`; the parent is null at the root. */
export function placeOf(children, id, parent = null) {
  const index = children.findIndex((child) => child.id === id);
  if (index >= 0) return { parent, siblings: children, index };
  for (const child of children) {
    const found = child.children && placeOf(child.children, id, child);
    if (found) return found;
  }
  return undefined;
}

/** A step up (1) or down (-1), into groups that are open and out of them; the same tree at the end. */
export function stepped(children, id, step) {
  const { parent, siblings, index } = placeOf(children, id);
  const node = siblings[index];
  const next = siblings[index + step];
  const rest = without(children, id);
  if (!next) {
    if (!parent) return children;
    return step > 0 ? above(rest, parent.id, node) : below(rest, parent.id, node);
  }
  if (next.children && !next.folded) return into(rest, next.id, node, step < 0);
  return step > 0 ? above(rest, next.id, node) : below(rest, next.id, node);
}

export function below(children, id, node) {
  return mapped(children, id, (found) => [node, found]);
}

/** The nodes as the list shows them, top to bottom, each with its depth; what is in a folded group is left out. */
export function rows(children, depth = 0) {
  return children.toReversed().flatMap((node) => {
    const inside = node.children && !node.folded ? rows(node.children, depth + 1) : [];
    return [{ node, depth }, ...inside];
  });
}

/** Whether a node is shown, and all groups around it. */
export function isShown(children, id) {
  return children.some(
    (child) => child.visible && (child.id === id || Boolean(child.children && isShown(child.children, id))),
  );
}

/** All layers, bottom to top. */
export function layers(children) {
  return children.flatMap((child) => (child.children ? layers(child.children) : [child]));
}

/** A copy of a node with ids of its own. */
export function copied(node, nextId) {
  const copy = { ...node, id: nextId() };
  if (node.children) copy.children = node.children.map((child) => copied(child, nextId));
  return copy;
}

function mapped(children, id, change) {
  let hit = false;
  const result = children.flatMap((child) => {
    if (hit) return [child];
    if (child.id === id) {
      hit = true;
      return change(child);
    }
    if (!child.children) return [child];
    const inside = mapped(child.children, id, change);
    if (inside === child.children) return [child];
    hit = true;
    return [{ ...child, children: inside }];
  });
  return hit ? result : children;
}
