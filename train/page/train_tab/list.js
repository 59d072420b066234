// The buttons beside the paintings; those that delete work ask first.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-wish]");
  if (button && (!button.dataset.ask || confirm(button.dataset.ask))) {
    trigger("wish", { wish: button.dataset.wish, name: button.dataset.name });
  }
});
