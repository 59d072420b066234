"""The Layers tab: one component of our own HTML, CSS and JavaScript, which talks to the routes beside it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from serve.page import PageFiles
from serve.page_html import LOOK
from studio.layers.tab.routes import layers_routes

FILES = Path(__file__).with_name("page")
PREFIX = "layers_tab"
"""Where the server has the files, below the page."""
NEEDED = ("cv2", "psd_tools")
"""Modules that the extra `studio` brings."""
ABSENT = """\
Layers need OpenCV and psd-tools, which are not installed here. In the folder of Impasto, run:

    pip install '.[studio]'
"""

_START = f"""
import(new URL("{PREFIX}/layers.js", document.baseURI)).then(({{ start }}) => start(element.firstElementChild));
"""


def layers_tab() -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    if not all(map(find_spec, NEEDED)):
        gr.Markdown(ABSENT)
        return
    gr.HTML(
        html_template=(FILES / "layers.html").read_text("utf-8"),
        css_template="\n".join(path.read_text("utf-8") for path in (LOOK, FILES / "layers.css")),
        js_on_load=_START,
        apply_default_css=False,
    )


def mount_layers(app: FastAPI, gallery: Path) -> None:
    """Serves what the tab asks for, and what it is made of. To be called before Gradio takes all other paths.

    Args:
        app: of the server.
        gallery: folder of the pictures that the Gallery tab sends here; it may come into being later.
    """
    app.include_router(layers_routes(gallery))
    app.mount(f"/{PREFIX}", PageFiles(directory=FILES))
