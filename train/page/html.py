"""How the Train tab's parts of our own HTML are made."""

from pathlib import Path
from typing import Any

import gradio as gr

from serve.page_html import html_part

FILES = Path(__file__).with_name("train_tab")


def train_part(*scripts: str, **options: Any) -> gr.HTML:
    """HTML in the tab's own look, and what it runs."""
    return html_part(FILES / "tab.css", *(FILES / script for script in scripts), **options)
