"""A page that needs nothing around it: its style, scripts, figures and pictures are inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Literal

FILES = Path(__file__).with_name("report_page")
_STYLES = ("report.css", "curve.css", "dots.css")
_SCRIPTS = {
    "report": ("figures.js", "curve.js", "view.js", "report.js"),
    "summary": ("figures.js", "curve.js", "dots.js", "summary.js"),
}


def page_html(page: Literal["report", "summary"], data: Mapping[str, Any]) -> str:
    """A page that shows data.

    Only our own style and scripts may run, and nothing may be fetched. The data are never markup: the scripts
    set them as text.
    """
    style = "\n".join(_read(name) for name in _STYLES)
    script = "\n".join(_read(name) for name in _SCRIPTS[page])
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    # Without any <, nothing in the data ends the element that it is in.
    embedded = json.dumps(data).replace("<", "\\u003c")
    content = _read(f"{page}.html")
    return Template(_read("page.html")).substitute(
        policy=policy, style=style, content=content, data=embedded, script=script
    )


def _read(name: str) -> str:
    return (FILES / name).read_text("utf-8")


def _hash(source: str) -> str:
    """What a content security policy knows a style or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
