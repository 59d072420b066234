"""A server for the tests, and an engine that paints only when it is let to."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from toy_style import expected, toy_card, write_toy_style

from models import catalog
from models.catalog import Style
from nst_core.picture import Picture, picture_bytes, read_picture_bytes
from serve.api.app import build_app
from serve.api.limits import Limits
from serve.api.server import Server, bind
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions

HOST = "127.0.0.1"
PHOTO_PX = 64
"""Long side of a photo."""
USUAL = PaintOptions()
ONE_THREAD = ComputeOptions(provider="cpu", threads=1)
PATIENCE_S = 60
"""How long what must happen may take on a busy machine."""


class GatedEngine(Engine):
    """Paints as the real one, but each picture only when the test lets it."""

    def __init__(self) -> None:
        super().__init__(ONE_THREAD)
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self._may = threading.Semaphore(0)

    def let(self, pictures: int = 1) -> None:
        """Lets so many go on."""
        self._may.release(pictures)

    def stylize(
        self,
        picture: Picture,
        style: Style,
        options: PaintOptions = USUAL,
        progress: Callable[[float], None] | None = None,
    ) -> Picture:
        self.begun.append(picture.name)
        assert progress is not None
        try:
            while not self._may.acquire(timeout=0.01):
                progress(0.5)
        except BaseException:
            self.stopped.append(picture.name)
            raise
        return super().stylize(picture, style, options, progress)


def photo_file(width: int = PHOTO_PX, height: int = 40, name: str = "cat.png") -> bytes:
    """A photo of noise, always the same, as a file."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return picture_bytes(Picture(pixels), name)


def client(app: FastAPI) -> TestClient:
    """Talks to an app without a socket; an error of ours is an answer, as it would be outside."""
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)


def wait_until(holds: Callable[[], object]) -> None:
    """Waits for something that must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


CAT = photo_file()


class Running:
    """A server on a free port of this machine."""

    def __init__(self, app: FastAPI, server: Server, port: int) -> None:
        self.app, self.server, self.port = app, server, port
        self.thread = threading.Thread(target=lambda: None)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://{HOST}:{self.port}", timeout=PATIENCE_S, trust_env=False)

    def end(self, signal_number: int) -> None:
        """As a signal does."""
        self.server.handle_exit(signal_number, None)

    @property
    def has_ended(self) -> bool:
        return not self.thread.is_alive()


@contextlib.contextmanager
def running(app: FastAPI, port: int = 0, **how: float) -> Iterator[Running]:
    """Serves an app by a socket, in a thread."""
    ready = threading.Event()
    with bind(HOST, port) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # so that a client that stalls is felt
        server = Server(app, app.state.service.admission, ready.set, lambda count: None, **how)
        found = Running(app, server, listener.getsockname()[1])
        found.thread = threading.Thread(target=server.run, args=([listener],))
        found.thread.start()
        try:
            assert ready.wait(PATIENCE_S)
            yield found
        finally:
            server.should_exit = server.force_exit = True
            found.thread.join(PATIENCE_S)
    assert found.has_ended


def use_styles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes `waves`, and `six` with three paintings, the only styles there are; gives the folder of the user's."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: folder / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(folder / "styles"))
    write_style(folder / "styles" / "waves.onnx")
    write_style(folder / "styles" / "six.onnx", 3)
    return folder / "styles"


def write_style(path: Path, paintings: int = 1) -> None:
    """Writes a toy style whose strokes are made for the photos here, so that they are painted as large as they are."""
    write_toy_style(path, paintings, toy_card(path.stem, paintings, size_px=PHOTO_PX))


def api_with(**limits: Any) -> TestClient:
    """Talks to an app with the real engine."""
    return client(build_app(Engine(ONE_THREAD), Limits(**limits)))


def post(api: Any, path: str = "paint", image: bytes = CAT, name: str = "cat.png", **fields: Any) -> Any:
    """The answer to a photo; its style is `waves` unless the fields say otherwise."""
    fields = ({} if path == "inspect" else {"style": "waves"}) | fields
    return api.post(f"/api/v1/{path}", files={"image": (name, image)}, data=fields)


def pixels(data: bytes) -> np.ndarray:
    """What a file shows, (H, W, 3) in [0, 1]."""
    return read_picture_bytes(data, "result").as_float()


def is_painted(data: bytes, photo: bytes = CAT, tolerance: float = 0.51 / 255, **how: Any) -> bool:
    """Whether a file is what the toy network makes of a photo."""
    return bool(np.abs(pixels(data) - expected(pixels(photo), **how)).max() < tolerance)


def problem(answer: Any) -> tuple[int, str]:
    """Status and detail of an answer that must be a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found.keys() == {"type", "title", "status", "detail"} and found["type"] == "about:blank"
    assert found["status"] == answer.status_code and "\n" not in found["detail"]
    return answer.status_code, found["detail"]


def events(answer: Any) -> list[dict[str, Any]]:
    """The events of a stream."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]
