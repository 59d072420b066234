/** A stack on its way from the server, and back to it. */

import { events, fileOf, levelsOf, pixelsOf } from "./server.js";

/**
 * Has the default stack made, at the size of a preview.
 * @param fields of the request.
 * @param tell takes events of waiting and progress.
 */
export async function openStack(fields, signal, tell) {
  const opened = { sources: new Map(), starts: new Map() };
  const masks = new Map();
  for await (const event of events("preview", fields, signal, () => tell({ event: "busy" }))) {
    if (event.event === "stack") Object.assign(opened, event);
    else if (event.event === "pixels") opened.sources.set(event.key, source(await pixelsOf(event.file)));
    else if (event.event === "mask") masks.set(event.key, await levelsOf(event.file));
    else if (event.event === "start") opened.starts.set(event.name, await levelsOf(event.file));
    else tell(event);
  }
  const masked = (children) =>
    children.map((child) => {
      if (child.children) return { ...child, children: masked(child.children) };
      return { ...child, mask: masks.get(child.key) ?? null };
    });
  opened.children = masked(opened.children);
  return opened;
}

function source(data) {
  let opaque = true;
  for (let i = 3; opaque && i < data.length; i += 4) opaque = data[i] === 255;
  return { data, opaque };
}

/**
 * Has a stack made at full size as a file; gives it and its name.
 * @param fields that it was made of.
 * @param made the masks by their keys, as the server makes them again.
 */
export async function saveStack(fields, { size, children, made }, format, signal, tell) {
  const painted = [];
  const described = children.map((child) => describe(child, made, painted));
  const masks = [];
  for (const mask of painted) masks.push(await fileOf(mask, size.width, size.height));
  const stack = JSON.stringify({ children: described });
  const all = { ...fields, stack, format, painted: masks };
  for await (const event of events("file", all, signal, () => tell({ event: "busy" }))) {
    if (event.event === "file") return event;
    tell(event);
  }
  throw new Error("The file did not come. Try again.");
}

/** A node as the server takes it; masks that were painted are collected, and told by their number. */
function describe({ key, name, opacity, blend, visible, mask, children }, made, painted) {
  const common = { name, opacity, blend, visible };
  if (children) return { ...common, children: children.map((child) => describe(child, made, painted)) };
  if (mask === made.get(key) || !mask) return { ...common, key, mask: mask === made.get(key) ? "made" : "none" };
  if (!painted.includes(mask)) painted.push(mask);
  return { ...common, key, mask: painted.indexOf(mask) };
}
