// Draws the curve as it grows, and anew where the page gives it another size.
const svg = element.querySelector("svg");
const draw = () => {
  const { curves, fast } = props.value ?? {};
  svg.style.display = curves ? "" : "none";
  if (curves && svg.clientWidth) drawCurve(svg, { curves, fast, by: "iterations" });
};
watch("value", draw);
new ResizeObserver(draw).observe(svg);
draw();
