"""The Paint tab: one component of our own HTML, CSS and JavaScript, which talks to the HTTP API of its server.

A photo stays in the browser and travels with each request, so that the server keeps nothing of anybody.
"""

from pathlib import Path
from typing import Any

import gradio as gr
import skimage
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FILES = Path(__file__).with_name("paint_tab")
CONTROLS = FILES / "controls.css"
"""What tabs of our own have in common; a tab's own rules come after it."""
PREFIX = "paint_tab"
"""Where the server has the files, below the page."""
EXAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
"""Photos to begin with, of scikit-image's."""

_START = f"""
import(new URL("{PREFIX}/paint.js", document.baseURI)).then(({{ start }}) => start(element.firstElementChild));
"""


def paint_tab() -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    gr.HTML(
        html_template=(FILES / "paint.html").read_text("utf-8"),
        css_template="\n".join(path.read_text("utf-8") for path in (CONTROLS, FILES / "paint.css")),
        js_on_load=_START,
        apply_default_css=False,
    )


def mount_files(app: FastAPI) -> None:
    """Serves what the tab is made of, and the example photos. To be called before Gradio takes all other paths."""
    folder = Path(skimage.__file__).with_name("data")
    examples = {Path(name).stem: folder / name for name in EXAMPLES}

    @app.get(f"/{PREFIX}/examples/{{name}}", include_in_schema=False)
    def example(name: str) -> FileResponse:
        if name not in examples:
            raise HTTPException(404, f"there is no example photo {name!r}")
        return FileResponse(examples[name])

    app.mount(f"/{PREFIX}", PageFiles(directory=FILES))


class PageFiles(StaticFiles):
    """Files that the browser asks about again each time, so that an update of Impasto is seen at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
