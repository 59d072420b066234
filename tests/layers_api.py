"""What the Layers tab asks of the server, as its tests ask it, and what comes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from layered_photo import Told, told
from PIL import Image
from serving import client

from serve.api.app import build_app
from serve.api.limits import Limits
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.layers.tab.tab import mount_layers

PATH = "/api/v1/layers/"
Pictures = tuple[Path, list[Path]]
"""A photo and its renders."""


def server(gallery: Path, **limits: Any) -> TestClient:
    app = build_app(Engine(ComputeOptions("cpu", threads=1)), Limits(**limits))
    mount_layers(app, gallery)
    return client(app)


def post(api: TestClient, path: str, pictures: Pictures, masks: Any = (), **fields: Any) -> Any:
    photo, renders = pictures
    files = [("photo", (photo.name, photo.read_bytes()))]
    files += [("renders", (render.name, render.read_bytes())) for render in renders]
    files += [("painted", (f"{number}.png", mask)) for number, mask in enumerate(masks)]
    return api.post(PATH + path, files=files, data=fields)


def events(answer: Any) -> list[Told]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    found = [*told(answer.content)]
    assert found[-1].event == "end"
    return found


def described(api: TestClient, pictures: Pictures) -> list[dict[str, Any]]:
    (stack,) = [each for each in events(post(api, "preview", pictures)) if each.event == "stack"]
    return stack.fields["children"]


def made_file(answer: Any) -> Told:
    (file,) = [each for each in events(answer) if each.event in ("file", "failed")]
    assert file.event == "file", file.fields
    return file


def failure(answer: Any) -> str:
    (failed,) = [each.fields["reason"] for each in events(answer) if each.event == "failed"]
    return failed


def layers(children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [layer for child in children for layer in (layers(child["children"]) if "children" in child else [child])]


def wish_of(children: list[dict[str, Any]], **changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The description of a stack as the preview told it, with changes to nodes by their names."""
    found = []
    for child in children:
        own = child | ({"children": wish_of(child["children"], **changes)} if "children" in child else {"mask": "made"})
        found.append(own | changes.get(child["name"], {}))
    return found


def levels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def as_png(mask: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    return file.getvalue()
