/** What the page asks of the server. Paths are relative, so that a proxy may put the page anywhere. */

const API = "api/v1/";

/** An answer that says no; its message is the server's own line. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** No answer at all: the server has ended, or the network has. */
export class Gone extends Error {
  constructor() {
    super("Impasto does not answer. Is it still running? Trying again…");
  }
}

/** What the server holds: `{styles, broken, …}`. The browser asks with the ETag that it has. */
export async function listStyles() {
  return (await send("styles", { cache: "no-cache" })).json();
}

/** What is in a picture file: its size, Impasto's settings if it has any, and a preview where asked for. */
export async function inspect(file, preview) {
  return (await send("inspect", { method: "POST", body: form({ image: file, preview }) })).json();
}

/** A photo painted in one style, as a Blob. */
export async function paint(fields, signal, waiting) {
  return (await send("paint", { method: "POST", body: form(fields), signal }, waiting)).blob();
}

/** The events of a painting as they come; `style` may be a list. */
export async function* paintStream(fields, signal, waiting) {
  const response = await send("paint/stream", { method: "POST", body: form(fields), signal }, waiting);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = []; // a picture is one long line in many pieces
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Gone();
      const lines = value.split("\n");
      parts.push(lines[0]);
      for (const line of lines.slice(1)) {
        const event = parts.join("");
        parts = [line];
        if (!event) continue;
        const found = JSON.parse(event);
        if (found.event === "end") return;
        yield found;
      }
    }
  } catch (error) {
    throw error instanceof TypeError ? new Gone() : error;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The bytes of a `picture` event as a Blob. */
export async function pictureOf(event) {
  return (await fetch(`data:${event.media_type};base64,${event.data}`)).blob();
}

/** Fields as a body; what is a list is sent several times. */
export function form(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const part of Array.isArray(value) ? value : [value]) {
      if (part instanceof Blob) body.append(name, part, part.name ?? "photo");
      else body.append(name, part);
    }
  }
  return body;
}

/** One request; where the server is busy, again after the time it names, and `waiting` is told. */
export async function send(path, options, waiting = () => {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(API + path, options);
    } catch (error) {
      throw error instanceof TypeError ? new Gone() : error;
    }
    if (response.ok) return response;
    const seconds = Number(response.headers.get("Retry-After"));
    if (!(seconds > 0 && [429, 503].includes(response.status))) throw await problem(response);
    waiting();
    await pause(seconds * 1000, options.signal);
  }
}

async function problem(response) {
  const body = await response.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : `The server answered ${response.status}.`;
  return new Problem(response.status, detail);
}

/** Waits; a signal ends it as it ends a fetch. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
