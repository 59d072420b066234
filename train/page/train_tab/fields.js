// What is typed about each painting becomes part of the component's value at once, so that no click can overtake it.
element.addEventListener("input", ({ target }) => {
  const { painting, key } = target.dataset;
  if (key) props.value = { ...props.value, [painting]: { ...props.value[painting], [key]: target.value } };
});
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-painting]");
  if (button) trigger("leave", { painting: button.dataset.painting });
});
