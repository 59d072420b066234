"""What the tests of the Train tab share: jobs and pictures, and the words of what is shown."""

from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_core.jobs import Job

NOON = datetime(2026, 11, 23, 12, 0).astimezone()
NASTY = "<script>alert(`${1}`)</script>\"'"


class Words(HTMLParser):
    """The text of a part of the page, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def words(html: str) -> str:
    return " ".join(Words(html).text.split())


def job(name: str, state: Any = "waiting", title: str = "", **changes: Any) -> Job:
    painting = {"path": f"/run/paintings/{name}.png", "title": title or name, "artist": "unknown"}
    spec = {"title": title or name, "paintings": [painting]}
    fields: dict[str, Any] = dict.fromkeys(("reason", "result", "progress", "begun", "ended"))
    return Job(id=len(name), name=name, spec=spec, state=state, **fields | {"seconds": 0.0, "added": ""} | changes)


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (128, 96)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8))
    coarse.resize(size, Image.Resampling.BICUBIC).save(path)
    return path
