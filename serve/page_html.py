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


def html_part(*files: Path, value: Any = "", **options: Any) -> gr.HTML:
    """HTML in a tab's own look.

    Args:
        files: style sheets, and scripts that run when the part is there.
        value: what it shows.
        options: of `gr.HTML`.
    """
    texts = {suffix: [file.read_text("utf-8") for file in files if file.suffix == suffix] for suffix in (".css", ".js")}
    look = "\n".join([LOOK.read_text("utf-8"), *texts[".css"]])
    script = "\n".join(texts[".js"]) or None
    return gr.HTML(value, css_template=look, apply_default_css=False, js_on_load=script, **options)
