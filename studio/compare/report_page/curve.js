/** The optimizer's curves as a chart in SVG. It needs no other script, and curve.css for its look. */

/**
 * Draws the curves, and where the fast picture stands on them; what the SVG held before goes. A curve without
 * points is left out until it has some.
 *
 * @param svg fills the size that the page gives it; draw anew when that changes.
 * @param curves [{key: "slow" or "refined", start, points: [[iteration, seconds, total, style, content], …]}, …]
 * @param fast {total}: the loss of the fast picture.
 * @param by "iterations" or "seconds"
 */
function drawCurve(svg, { curves, fast, by }) {
  const column = by === "seconds" ? 1 : 0;
  const shown = curves.filter(({ points }) => points.length);
  const slow = shown.find(({ key }) => key === "slow");
  const crossing = slow ? crossingOf(slow.points, fast.total) : null;
  const scale = curveScales(svg, shown, fast, column);
  const fastLine = scale.y(fast.total);
  const mark = crossing && svgOf("circle", { class: "mark", cx: scale.x(crossing[column]), cy: fastLine, r: 6 });
  const legend = curveLegend(shown, fast, scale.right);
  const guide = svgOf("g", { visibility: "hidden" });
  svg.setAttribute("role", "img");
  svg.replaceChildren(
    svgOf("title", {}, "Loss of the optimizer, and of the fast picture"),
    svgOf("desc", {}, curveWords(slow, fast, crossing)),
    ...curveAxes(scale, by),
    svgOf("line", { class: "fast", x1: scale.left, x2: scale.right, y1: fastLine, y2: fastLine }),
    ...shown.map(({ key, points }) =>
      svgOf("polyline", { class: key, points: points.map((point) => scale.place(point).join()).join(" ") }),
    ),
    ...(mark ? [mark, markWords(scale, crossing, fast.total)] : []),
    guide,
    ...legend.rows,
  );
  svg.onpointermove = ({ clientX }) =>
    slow && readCurve(guide, legend, scale, shown, clientX - svg.getBoundingClientRect().x);
  svg.onpointerleave = () => {
    guide.setAttribute("visibility", "hidden");
    legend.say(new Map());
  };
}

/** Where the best loss so far reaches another, as [iteration, seconds], interpolated; null where it does not. */
function crossingOf(points, total) {
  let best = points[0];
  if (total >= best[2]) return null;
  for (const point of points) {
    if (point[2] <= total) {
      const share = (best[2] - total) / (best[2] - point[2]);
      return [0, 1].map((column) => best[column] + share * (point[column] - best[column]));
    }
    if (point[2] < best[2]) best = point;
  }
  return null;
}

/** From figures to places: iterations or seconds from left to right, the loss, as a logarithm, upward. */
function curveScales(svg, curves, fast, column) {
  const { clientWidth: width, clientHeight: height } = svg;
  const [left, right, top, bottom] = [48, width - 12, 12, height - 40];
  const totals = [fast.total, ...curves.flatMap(({ points }) => points.map((point) => point[2]))];
  const [low, high] = [Math.min(...totals) / 1.1, Math.max(...totals) * 1.1];
  const last = Math.max(1e-3, ...curves.map(({ points }) => points.at(-1)[column]));
  const x = (value) => left + (value / last) * (right - left);
  const y = (loss) => bottom - (Math.log(loss / low) / Math.log(high / low)) * (bottom - top);
  const place = (point) => [x(point[column]).toFixed(1), y(point[2]).toFixed(1)];
  return { left, right, top, bottom, low, high, last, column, x, y, place };
}

function curveAxes(scale, by) {
  const { left, right, top, bottom, x, y } = scale;
  const middle = (left + right) / 2;
  return [
    ...lossTicks(scale.low, scale.high).flatMap((loss) => [
      svgOf("line", { x1: left, x2: right, y1: y(loss), y2: y(loss) }),
      svgOf("text", { x: left - 6, y: y(loss) + 4, "text-anchor": "end" }, String(loss)),
    ]),
    ...evenTicks(scale.last).flatMap((value) => [
      svgOf("line", { x1: x(value), x2: x(value), y1: bottom, y2: bottom + 4 }),
      svgOf("text", { x: x(value), y: bottom + 18, "text-anchor": "middle" }, String(value)),
    ]),
    svgOf("text", { x: middle, y: bottom + 36, "text-anchor": "middle" }, by === "seconds" ? "seconds" : "iterations"),
    svgOf("text", { x: left + 6, y: top + 4 }, "loss"),
  ];
}

/** 1, 2 and 5 times the powers of ten between two losses; only the powers where those would be many. */
function lossTicks(low, high) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) powers.push(power);
  const steps = powers.length > 3 ? [1] : [1, 2, 5];
  const ticks = powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)));
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** About five round values from 0 on. */
function evenTicks(last) {
  const rough = last / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((round) => round * power >= rough);
  return Array.from({ length: Math.floor(last / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** The names of all lines, to which `say` adds values by name. */
function curveLegend(curves, fast, right) {
  const names = curves.map(({ key, start }) =>
    key === "slow" ? [key, `optimizer from ${start === "noise" ? "noise" : "the photo"}`] : [key, "from the fast picture"],
  );
  const entries = [...names, ["fast", `fast picture: ${fast.total.toPrecision(3)}`]];
  const texts = entries.map(([, name], i) => svgOf("text", { x: right - 34, y: 20 + 20 * i, "text-anchor": "end" }, name));
  const lines = entries.map(([key], i) => svgOf("line", { class: key, x1: right - 26, x2: right, y1: 16 + 20 * i, y2: 16 + 20 * i }));
  const say = (values) =>
    entries.forEach(([key, name], i) => {
      texts[i].textContent = values.has(key) ? `${name}: ${values.get(key)}` : name;
      texts[i].classList.toggle("reading", values.has(key));
    });
  return { rows: [svgOf("g", { class: "legend" }, ...texts, ...lines)], say };
}

/** Tells the values of all curves at a place of the pointer. */
function readCurve(guide, legend, { left, right, top, bottom, last, column, x, place }, curves, pointed) {
  const value = (Math.min(Math.max(pointed, left), right) - left) / (right - left) * last;
  const nearest = ({ points }) =>
    points.reduce((best, point) => (Math.abs(point[column] - value) < Math.abs(best[column] - value) ? point : best));
  const found = curves.map((curve) => [curve.key, nearest(curve)]);
  const [, at] = found.find(([key]) => key === "slow") ?? found[0];
  const side = x(at[column]) > (left + right) / 2 ? "end" : "start";
  guide.setAttribute("visibility", "visible");
  guide.replaceChildren(
    svgOf("line", { x1: x(at[column]), x2: x(at[column]), y1: top, y2: bottom }),
    ...found.map(([key, point]) => {
      const [cx, cy] = place(point);
      return svgOf("circle", { class: key, cx, cy, r: 5 });
    }),
    svgOf("text", { class: "reading", x: x(at[column]) + (side === "end" ? -8 : 8), y: bottom - 8, "text-anchor": side },
      `${at[0]} iterations, ${at[1].toPrecision(3)} s`),
  );
  legend.say(new Map(found.map(([key, point]) => [key, point[2].toPrecision(3)])));
}

/** What the mark says; beside it, where there is room. */
function markWords({ left, right, x, y, column }, crossing, loss) {
  const side = x(crossing[column]) > (left + right) / 2 ? "end" : "start";
  const text = column === 1 ? `as good after ${crossing[1].toPrecision(3)} s` : `equals ${crossing[0].toFixed(0)} iterations`;
  const place = { x: x(crossing[column]) + (side === "end" ? -6 : 6), y: y(loss) + (side === "end" ? 20 : -12) };
  return svgOf("text", { class: "reading", ...place, "text-anchor": side }, text);
}

function curveWords(slow, fast, crossing) {
  if (!slow) return "";
  const last = slow.points.at(-1);
  const where = crossing
    ? `which the optimizer reaches at iteration ${crossing[0].toFixed(0)}, after ${crossing[1].toPrecision(3)} seconds`
    : fast.total >= slow.points[0][2] ? "no lower than where the optimizer began" : "which it does not reach";
  return (
    `The optimizer’s loss goes from ${slow.points[0][2].toPrecision(3)} to ${last[2].toPrecision(3)} in ` +
    `${last[0]} iterations and ${last[1].toPrecision(3)} seconds. The fast picture’s is ${fast.total.toPrecision(3)}, ${where}.`
  );
}

/** An element of SVG with attributes and children; text is always text, never markup. */
function svgOf(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
