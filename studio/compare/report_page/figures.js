/** Elements of the page, figures in words, and how they are laid out as bars, tables and lists. */

/** An element with properties and children; text is always text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A text whose commands stand in backticks. */
function paragraph(text) {
  const pieces = text.split("`");
  return make("p", {}, ...pieces.map((piece, i) => (i % 2 ? make("code", { textContent: piece }) : piece)));
}

/** The elements of the page by their `data-part`. */
function partsOfPage() {
  return Object.fromEntries([...document.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
}

/** What the page was made with. */
function pageData() {
  return JSON.parse(document.getElementById("data").textContent);
}

const three = (value) => (value == null ? "–" : Number(value.toPrecision(3)).toString());

function secondsText(seconds) {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  return whole < 100 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function bytesText(bytes) {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function equalText(equal) {
  if (equal?.iterations == null) return equal?.standing ?? "–";
  return `${equal.standing === "beyond the curve" ? "more than " : ""}${Math.round(equal.iterations)}`;
}

/** fast, slow or refined. */
const kindOf = ({ key }) => key.split(" ")[0];
/** Of the optimizer; 0 of the fast picture. */
const iterationsOf = ({ key }) => Number(key.split(" ")[1] ?? 0);

/** Each refined picture beside the slow one of as many iterations. */
function inPairs(renderings) {
  const order = ["fast", "slow", "refined"];
  const rank = (rendering) => iterationsOf(rendering) * order.length + order.indexOf(kindOf(rendering));
  return [...renderings].sort((a, b) => rank(a) - rank(b));
}

/** Bars of each layer's style loss and of the content loss. */
function layerBars(renderings, network) {
  const measured = inPairs(renderings).filter(({ losses }) => network in losses);
  const lossesOf = ({ losses }) => ({ ...losses[network].layers, content: losses[network].content });
  return Object.keys(lossesOf(measured[0])).map((layer) => {
    const most = Math.max(...measured.map((rendering) => lossesOf(rendering)[layer]));
    const rows = measured.flatMap((rendering) => {
      const loss = lossesOf(rendering)[layer];
      const bar = make("span", { className: `bar ${kindOf(rendering)}` });
      bar.style.width = `calc((100% - 5em) * ${most > 0 ? loss / most : 0})`;
      return [make("dt", { textContent: rendering.title, title: rendering.title }), make("dd", {}, bar, three(loss))];
    });
    const title = layer === "content" ? "Content, relu4_1" : `Style, ${layer}`;
    return make("section", {}, make("h3", { textContent: title }), make("dl", {}, ...rows));
  });
}

/** All that was measured, a row for each rendering. */
function figuresTable(renderings, network) {
  const columns = {
    Time: ({ seconds }) => secondsText(seconds),
    "Peak memory": ({ peak_bytes }) => bytesText(peak_bytes),
    "Loss, total": ({ losses }) => three(losses[network]?.total),
    Style: ({ losses }) => three(losses[network]?.style),
    Content: ({ losses }) => three(losses[network]?.content),
    "Equal iterations": ({ equal_iterations }) => equalText(equal_iterations[network]),
    SSIM: ({ likeness }) => three(likeness.ssim),
    Edges: ({ likeness }) => three(likeness.edge_agreement),
    Color: ({ likeness }) => three(likeness.color_distance),
  };
  const rows = inPairs(renderings).map((rendering) => [
    kindOf(rendering),
    [rendering.title, ...Object.values(columns).map((text) => text(rendering))],
  ]);
  return table(["Picture", ...Object.keys(columns)], rows);
}

/** Every point of the curves. */
function curveTable({ key, points }) {
  const rows = points.map(([iteration, ...values]) => ["", [String(iteration), ...values.map(three)]]);
  const name = key === "slow" ? "The optimizer" : "The optimizer from the fast picture";
  return table(["Iteration", "Seconds", "Loss, total", "Style", "Content"], rows, name);
}

/** @param rows [[class, [text, …]], …] */
function table(heads, rows, caption = "") {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })));
  const body = rows.map(([className, [name, ...cells]]) =>
    make("tr", { className }, make("th", { scope: "row", textContent: name }), ...cells.map((text) => make("td", { textContent: text }))),
  );
  const titled = caption ? [make("caption", { textContent: caption })] : [];
  return make("table", {}, ...titled, make("thead", {}, head), make("tbody", {}, ...body));
}

/** Settings of any depth. */
function settingsList(settings) {
  const rows = Object.entries(settings).flatMap(([name, value]) => {
    const nested = value !== null && typeof value === "object" && !Array.isArray(value);
    const shown = nested ? settingsList(value) : String(value ?? "–").replaceAll(",", ", ");
    return [make("dt", { textContent: name }), make("dd", {}, shown)];
  });
  return make("dl", { className: "settings" }, ...rows);
}
