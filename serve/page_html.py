"""How the page's tabs are given parts of our own HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

LOOK = Path(__file__).with_name("page_look.css")
"""What all parts have in common; a tab's own rules come after it."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""For events that the page alone brings about, without a sign that they run."""

Updates = dict[Any, Any]
"""New values or properties, by component."""


def html_part(folder: Path, value: Any = "", script: str | None = None, **options: Any) -> gr.HTML:
    """HTML in a tab's own look.

    Args:
        folder: of the tab's files; its look is in `tab.css`.
        value: what it shows.
        script: file that runs when the part is there.
        options: of `gr.HTML`.
    """
    css = LOOK.read_text("utf-8") + (folder / "tab.css").read_text("utf-8")
    js = script and (folder / script).read_text("utf-8")
    return gr.HTML(value, css_template=css, apply_default_css=False, js_on_load=js, **options)
