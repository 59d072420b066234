/** What the Gallery asks of the server. Paths are relative, so that a proxy may put the page anywhere. */

import { Gone, Problem } from "../paint_tab/api.js";

const ROUTES = "gallery/";

/** What has changed since a revision: `{folder, store, renders, gone, revision, more, …}`. */
export const changesSince = (revision) => ask(`renders?since=${revision}`);

/** How a render was made, and whether its photo is still there. */
export const describe = (id) => ask(`renders/${id}`);

/** Ids of all renders, those first that are most like one. */
export const likeThis = async (id) => (await ask(`renders/${id}/like`)).ids;

/** Notes ratings, an object by id. */
export const sendRatings = (ratings) => ask("ratings", { ratings });

/** Has the finals of proofs painted; how many there will be. */
export const sendFinals = async (ids) => (await ask("finals", { ids })).finals;

/** The commands that make layers of renders. */
export const layersCommands = async (ids) => (await ask("layers", { ids })).commands;

/** Where a render's `thumbnail`, `picture` or `photo` is; the browser keeps it until the render is another. */
export const addressOf = ({ id, v }, what) => `${ROUTES}renders/${id}/${what}?v=${v}`;

async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  const how = body ? { method: "POST", headers, body: JSON.stringify(body) } : { cache: "no-store" };
  let response;
  try {
    response = await fetch(ROUTES + path, how);
  } catch {
    throw new Gone();
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer.detail ?? `The server answered ${response.status}.`);
  return answer;
}
