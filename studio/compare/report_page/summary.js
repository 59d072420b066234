/** The summary of several comparisons. */

const data = pageData();
const parts = partsOfPage();
const comparisons = data.comparisons.map((comparison, i) => ({ ...comparison, ...data.cards[i] }));
const network = data.measured_under;
const median = data.median_equal_iterations;
const totalOf = ({ losses }) => losses[network].total;
const slowOf = ({ renderings }) => renderings.filter((rendering) => kindOf(rendering) === "slow");
const isBeyond = ({ equal_iterations }) => equal_iterations.standing === "beyond the curve";
const speedText = (comparison) =>
  comparison.speed_up === null ? "–" : `${isBeyond(comparison) ? "more than " : ""}${Math.round(comparison.speed_up)}`;

function drawAll() {
  const known = comparisons.filter(({ speed_up }) => speed_up !== null);
  const dotOf = (value, words) => (comparison) => ({
    value: value(comparison),
    beyond: isBeyond(comparison),
    words: `${comparison.name}: ${words(comparison)}`,
  });
  const equalDot = dotOf(({ equal_iterations }) => equal_iterations.iterations, ({ equal_iterations }) => equalText(equal_iterations));
  const speedDot = dotOf(({ speed_up }) => speed_up, speedText);
  const speed = data.median_speed_up;
  const least = median.standing === "beyond the curve" ? "more than " : "";
  drawDots(parts.equal, known.map(equalDot), { value: median.iterations, words: `median ${equalText(median)}` });
  drawDots(parts.speed, known.map(speedDot), { value: speed, words: `median ${speed === null ? "not known" : least + Math.round(speed)}` });
  drawLossRows(parts.losses, comparisons.map(lossRow));
}

function lossRow(comparison) {
  const shown = [...slowOf(comparison), comparison.renderings[0]];
  const dots = shown.map((rendering) => ({
    loss: totalOf(rendering),
    kind: kindOf(rendering),
    words: `${rendering.title} ${three(totalOf(rendering))}`,
  }));
  return { name: comparison.name, dots };
}

/** How many pictures stand where; open dots are those beyond the curve. */
function standingText() {
  const count = (standing) => comparisons.filter(({ equal_iterations }) => equal_iterations.standing === standing).length;
  const beyond = count("beyond the curve");
  const not = count("not comparable");
  const said = [`A dot for each of ${comparisons.length} pictures, under ${network}.`];
  if (beyond) said.push(`Open ones (${beyond}) are better than all of their curve, and count with its length.`);
  if (not) said.push(`${not} not comparable: no better than where the optimizer began.`);
  return said.join(" ");
}

function figuresOfAll() {
  const rows = comparisons.map((comparison) => {
    const [fast] = comparison.renderings;
    const last = slowOf(comparison).at(-1);
    const figures = [three(totalOf(fast)), secondsText(fast.seconds), three(totalOf(last)), secondsText(last.seconds)];
    return ["", [comparison.name, equalText(comparison.equal_iterations), speedText(comparison), ...figures]];
  });
  return table(["Picture", "Equal iterations", "Speed-up", "Loss, fast", "Time, fast", "Loss, slow", "Time, slow"], rows);
}

function cardOf(comparison) {
  const { link, pictures } = comparison;
  const figures = pictures.map(({ title, source }) => make("figure", {}, make("img", { src: source, alt: title }), make("figcaption", {}, title)));
  const words = `equals ${equalText(comparison.equal_iterations)} iterations, ${speedText(comparison)} times as fast`;
  const name = make("div", { className: "name", textContent: comparison.name });
  const triple = make("div", { className: "triple" }, ...figures);
  const stands = make("div", { className: "quiet", textContent: comparison.speed_up === null ? "not comparable" : words });
  return make("li", {}, make("a", { href: link }, triple, name, stands));
}

document.title = `Impasto: fast against slow, ${comparisons.length} pictures`;
parts.headline.textContent = data.headline;
parts.notes.append(...data.notes.map(paragraph));
parts.standing.textContent = standingText();
parts.network.textContent = network;
parts.iterations.textContent = slowOf(comparisons[0]).map(iterationsOf).join(", ");
parts.table.append(figuresOfAll());
parts.cards.append(...comparisons.map(cardOf));
new ResizeObserver(drawAll).observe(parts.cards);
