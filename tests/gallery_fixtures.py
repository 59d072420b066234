"""Fixtures of the tests of the Gallery tab in a browser: a sweep's folder, a server, and the tab with both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gallery_folder import drawn, paint
from gallery_page import PHOTOS, RENDERS, SIZE, STYLES, TAUGHT, Gallery
from playwright.sync_api import Page, expect
from serving import Running, running

from impasto.page import mount_page
from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.picture import write_picture
from serve.api.app import build_app
from serve.engine import Engine
from serve.paint_options import PaintOptions
from studio.gallery.store import Store
from studio.sweep.job import PhotoFile, StyleFile, SweepJob
from studio.sweep.plan import LEDGER
from studio.sweep.process import SweepProcess

pytest_plugins = ["browser_fixtures"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of 150 proofs and one final; of one proof there is the photo."""
    folder = tmp_path_factory.mktemp("gallery") / "sweep"
    for photo in range(PHOTOS):
        for style in range(STYLES):
            picture = drawn(style, stripe_px=2 + style % 7)
            promise = (photo * STYLES + style) / 1000
            paint(folder / "proofs" / f"photo{photo}-style{style}.png", picture, promise=promise)
    photo = folder.parent / "cat.png"
    write_picture(drawn(50, *SIZE, stripe_px=40), photo)
    paint(
        folder / TAUGHT, drawn(51, *SIZE, stripe_px=20), photo={"file": "cat.png", "sha256": sha256(photo)}, promise=1
    )
    paint(folder / "photo0-style0.png", drawn(0, 960, 640, stripe_px=16))
    style = StyleFile("waves", str(folder / "waves.onnx"), "0" * 64)
    job = SweepJob(TAUGHT, "proof", "fast", PhotoFile(str(photo), sha256(photo)), style, PaintOptions(size=512))
    Ledger(folder / LEDGER).add(TAUGHT, job.spec())
    return folder


@pytest.fixture(scope="module")
def begun() -> Iterator[list[str]]:
    """How often the process that paints finals would have been started."""
    found: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SweepProcess, "start", lambda self: found.append("begun"))
        yield found


@pytest.fixture(scope="module")
def gallery_server(styles_folder: Path, folder: Path, begun: list[str]) -> Iterator[Running]:
    """As of `impasto ui --gallery`."""
    with running(mount_page(build_app(Engine()), folder)) as server:
        yield server


@pytest.fixture
def gallery(page: Page, gallery_server: Running, folder: Path) -> Iterator[Gallery]:
    store = Store(folder)
    store.scan()
    store.rate_all({render.id: "unrated" for render in store.renders()})
    gallery = Gallery(page, gallery_server.port)
    expect(gallery.tiles.first).to_be_visible()
    expect(gallery.status).to_contain_text(f"{RENDERS} renders")
    yield gallery
    page.evaluate("localStorage.clear()")
