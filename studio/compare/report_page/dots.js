/** Distributions as dots in SVG. It needs svgOf and the ticks of curve.js, and dots.css for its look. */

const DOT_PX = 7;
const AXIS_PX = 26;

/**
 * Draws values as dots above an axis, those that are near each other in heaps, and marks their median.
 *
 * @param points [{value, beyond, words}, …]; beyond: it is at least the value.
 * @param median {value, words}; value null where there is none.
 */
function drawDots(svg, points, median) {
  const { clientWidth: width } = svg;
  const most = Math.max(1e-9, ...points.map(({ value }) => value)) * 1.05;
  const x = (value) => 12 + (value / most) * (width - 24);
  const heaps = new Map();
  const dots = points.map((point) => {
    const column = Math.round(x(point.value) / (2 * DOT_PX));
    const height = heaps.get(column) ?? 0;
    heaps.set(column, height + 1);
    return { ...point, column, height };
  });
  const top = 24;
  const bottom = top + Math.max(2, ...heaps.values()) * 2 * DOT_PX + 4;
  svg.setAttribute("role", "img");
  svg.setAttribute("height", bottom + AXIS_PX);
  svg.replaceChildren(
    svgOf("title", {}, `${median.words}; ${points.map(({ words }) => words).join("; ")}`),
    ...dotsAxis(evenTicks(most), x, bottom, [12, width - 12]),
    ...(median.value === null ? [] : medianMark(x(median.value), median.words, bottom, width)),
    ...dots.map(({ column, height, beyond, words }) =>
      svgOf("circle", { class: beyond ? "beyond" : "", cx: column * 2 * DOT_PX, cy: bottom - DOT_PX * (2 * height + 1), r: DOT_PX }, svgOf("title", {}, words)),
    ),
  );
}

function dotsAxis(ticks, x, bottom, [left, right]) {
  return [
    svgOf("line", { x1: left, x2: right, y1: bottom, y2: bottom }),
    ...ticks.flatMap((tick) => [
      svgOf("line", { x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }),
      svgOf("text", { x: x(tick), y: bottom + 18, "text-anchor": "middle" }, String(tick)),
    ]),
  ];
}

function medianMark(at, words, bottom, width) {
  const anchor = at > width / 2 ? "end" : "start";
  return [
    svgOf("line", { class: "median", x1: at, x2: at, y1: 0, y2: bottom }),
    svgOf("text", { class: "strong", x: at + (anchor === "end" ? -6 : 6), y: 12, "text-anchor": anchor }, words),
  ];
}

/**
 * Draws losses on a logarithmic scale, a line for each picture.
 *
 * @param rows [{name, dots: [{loss, kind, words}, …]}, …]; what comes last is drawn above.
 */
function drawLossRows(svg, rows) {
  const { clientWidth: width } = svg;
  const left = Math.min(180, width * 0.35);
  const losses = rows.flatMap(({ dots }) => dots.map(({ loss }) => loss));
  const [low, high] = [Math.min(...losses) / 1.15, Math.max(...losses) * 1.15];
  const x = (loss) => left + (Math.log(loss / low) / Math.log(high / low)) * (width - left - 12);
  const bottom = rows.length * 24 + 4;
  const fits = Math.floor(left / 7.5);
  svg.setAttribute("role", "img");
  svg.setAttribute("height", bottom + AXIS_PX);
  svg.replaceChildren(
    svgOf("title", {}, rows.map(({ name, dots }) => `${name}: ${dots.map(({ words }) => words).join(", ")}`).join("; ")),
    ...dotsAxis(lossTicks(low, high), x, bottom, [left, width - 12]),
    ...rows.flatMap(({ name, dots }, i) => {
      const y = i * 24 + 14;
      return [
        svgOf("text", { x: 0, y: y + 4 }, name.length > fits ? `${name.slice(0, fits - 1)}…` : name),
        svgOf("line", { x1: left, x2: width - 12, y1: y, y2: y }),
        ...dots.map(({ loss, kind, words }) => svgOf("circle", { class: kind, cx: x(loss), cy: y, r: kind === "fast" ? 7 : 5 }, svgOf("title", {}, words))),
      ];
    }),
  );
}
