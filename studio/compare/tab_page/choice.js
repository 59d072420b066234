// The photos and styles to choose among.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) trigger("choose", { name: button.dataset.photo ?? button.dataset.style });
});
