"""The Gallery tab: one component of our own HTML, CSS and JavaScript, which talks to the routes of its folder."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from serve.page import CONTROLS, PageFiles
from studio.gallery.routes import Finish, gallery_routes

FILES = Path(__file__).with_name("tab_page")
STYLES = FILES / "gallery.css", FILES / "viewer.css"
PREFIX = "gallery_tab"
"""Where the server has the files, below the page."""

_START = f"""
import(new URL("{PREFIX}/gallery.js", document.baseURI)).then(({{ start }}) => start(element.firstElementChild));
"""


def gallery_tab() -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    gr.HTML(
        html_template=(FILES / "gallery.html").read_text("utf-8"),
        css_template="\n".join(path.read_text("utf-8") for path in (CONTROLS, *STYLES)),
        js_on_load=_START,
        apply_default_css=False,
    )


def mount_gallery(app: FastAPI, folder: Path, finish: Finish) -> None:
    """Serves a folder's gallery, and what the tab is made of. To be called before Gradio takes all other paths.

    Args:
        app: of the server.
        folder: of painted pictures; it may come into being later.
        finish: has the finals of proofs painted.
    """
    app.include_router(gallery_routes(folder, finish))
    app.mount(f"/{PREFIX}", PageFiles(directory=FILES))
