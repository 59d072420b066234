"""How the Train tab's parts of our own HTML are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

FILES = Path(__file__).with_name("train_tab")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""For events that the page alone brings about, without a sign that they run."""

Updates = dict[Any, Any]
"""New values or properties, by component."""


def html_part(value: Any = "", js_on_load: str | None = None, **options: Any) -> gr.HTML:
    """HTML in the tab's own look."""
    return gr.HTML(value, css_template=script("tab.css"), apply_default_css=False, js_on_load=js_on_load, **options)


def script(name: str) -> str:
    """A file of the tab."""
    return (FILES / name).read_text("utf-8")
