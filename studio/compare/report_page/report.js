/** The report of one photo. */

const data = pageData();
const parts = partsOfPage();
const fast = data.renderings[0];
const networks = Object.keys(fast.losses);

/** What was compared: photo, style and paintings. */
function aboutText() {
  const { file, width, height } = data.photo;
  const paintings = data.style.paintings.map(({ title, artist, license }) => {
    const by = artist ? `${title} by ${artist}` : title;
    return license ? `${by} (${license})` : by;
  });
  return `${file || "A photo"}, ${width} × ${height} px, in the style ${data.style.title}: ${paintings.join("; ")}`;
}

function showPictures() {
  const first = data.pictures[0];
  const view = new View(document.documentElement);
  document.documentElement.style.setProperty("--ratio", data.ratio);
  for (const { title, seconds, source } of data.pictures) {
    const frame = make("div", { className: "frame" }, make("img", { src: source, alt: title, draggable: false }));
    const time = make("span", { textContent: seconds === null ? "" : secondsText(seconds) });
    parts.grid.append(make("figure", {}, frame, make("figcaption", {}, title, time)));
    view.followPointers(frame);
  }
  view.followKeys(parts.grid);
  view.followPointers(parts.stage);
  view.followKeys(parts.stage);
  const lastSlow = data.pictures.findLast((picture) => kindOf(picture) === "slow");
  new Wipe(parts, data.pictures).choose("fast", (lastSlow ?? first).key);
}

function showCurve() {
  const { total } = fast.losses[data.measured_under];
  const draw = () => {
    const by = parts.by.querySelector(":checked").value;
    drawCurve(parts.curve, { curves: data.curves, fast: { total }, by });
  };
  parts.by.addEventListener("change", draw);
  new ResizeObserver(draw).observe(parts.curve);
  parts.points.append(...data.curves.map(curveTable));
}

/** What the optimizer reaches from the fast picture, beside as many iterations from where it usually begins. */
function showRefined() {
  const totalOf = ({ losses }) => three(losses[data.measured_under].total);
  const start = data.curves.find(({ key }) => key === "slow")?.start;
  for (const refined of data.renderings.filter((rendering) => kindOf(rendering) === "refined")) {
    const iterations = iterationsOf(refined);
    const slow = data.renderings.find(({ key }) => key === `slow ${iterations}`);
    const beside = slow ? `; from the ${start}, ${totalOf(slow)} in ${secondsText(slow.seconds)}` : "";
    const text = `${iterations} iterations from the fast picture reach a loss of ${totalOf(refined)} in ${secondsText(refined.seconds)}${beside}.`;
    parts.refined.append(make("p", { textContent: text }));
  }
}

/** Figures under one of the loss networks. */
function showFigures(network) {
  parts.layers.replaceChildren(...layerBars(data.renderings, network));
  parts.figures.replaceChildren(figuresTable(data.renderings, network));
  for (const name of document.querySelectorAll(".network")) name.textContent = network;
}

function offerNetworks() {
  parts.networks.hidden = networks.length === 1;
  for (const network of networks) {
    const radio = make("input", { type: "radio", name: "network", value: network, checked: network === data.measured_under });
    parts.networks.append(make("label", {}, radio, network));
  }
  parts.networks.addEventListener("change", ({ target }) => showFigures(target.value));
}

document.title = `Impasto: ${data.photo.file}, ${data.style.title}, fast against slow`;
parts.headline.textContent = data.headline;
parts.notes.append(...data.notes.map(paragraph));
parts.about.textContent = aboutText();
showPictures();
showCurve();
showRefined();
offerNetworks();
showFigures(data.measured_under);
parts.settings.append(settingsList(data.settings));
