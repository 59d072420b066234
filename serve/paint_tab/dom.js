/** Elements of the page. */

/** The elements below `root` by their `data-part`. */
export function partsOf(root) {
  const found = [...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]);
  return Object.fromEntries(found);
}

/** An element with properties and children; text is always text, never markup. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
