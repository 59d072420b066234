"""The page in Debian's Chromium, for tests: what an artist sees of it, and does there."""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from toy_style import expected

from nst_core.picture import read_picture

JPEG = 3.0
"""How far a JPEG may be from what was painted, on average, in 255ths."""
CHROMIUM = shutil.which("chromium")
IN_CHROMIUM = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),  # Gradio's, with the newest pandas
]
"""Marks of the tests in a browser."""
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"),
]
DROP = """(element, {name, data}) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt())], name));
    for (const kind of ["dragover", "drop"])
        element.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""
PASTE = """({name, data}) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt())], name));
    document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true}));
}"""
PIXELS = """(canvas) => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let start = 0; start < data.length; start += 8192)
        text += String.fromCharCode(...data.subarray(start, start + 8192));
    return [canvas.width, canvas.height, btoa(text)];
}"""


class Studio:
    """What an artist sees of the page, and does there.

    Args:
        page: of the browser.
        port: of the server.
    """

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        page.goto(f"http://127.0.0.1:{port}/")
        expect(self.cards.first).to_be_visible()

    def part(self, name: str) -> Locator:
        return self.page.locator(f'.paint [data-part="{name}"]')

    def card(self, style: str) -> Locator:
        return self.page.locator(f'.card[data-style="{style}"]')

    def slider(self, label: str) -> Locator:
        return self.page.get_by_role("slider", name=label, exact=True)

    @property
    def cards(self) -> Locator:
        return self.page.locator(".card:visible")

    def drop(self, path: Path) -> None:
        self.part("stage").evaluate(DROP, file_of(path))

    def paste(self, path: Path) -> None:
        self.page.evaluate(PASTE, file_of(path))

    def choose(self, style: str) -> None:
        self.card(style).click()
        self.wait_until_painted()

    def wait_until_painted(self) -> None:
        expect(self.part("stage")).to_have_attribute("aria-busy", "false")
        expect(self.part("status")).to_contain_text("Painted in")

    def pixels(self, part: str = "after") -> np.ndarray:
        """What a canvas of the page shows, (H, W, 3) in [0, 1]."""
        return pixels_of(self.part(part))

    def drag(self, locator: Locator, start: float, *stops: float) -> Callable[[], None]:
        """Presses the mouse at a share of an element's width and moves it to others; gives what lets it go."""
        box = locator.bounding_box()
        assert box is not None
        height = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + start * box["width"], height)
        self.page.mouse.down()
        for stop in stops:
            self.page.mouse.move(box["x"] + stop * box["width"], height)
        return self.page.mouse.up

    def download(self, format: str, path: Path) -> Path:
        """Saves the picture at full size in a folder, under the name that it is given."""
        self.part("format").select_option(format)
        with self.page.expect_download() as download:
            self.part("download").click()
        saved = path / download.value.suggested_filename
        download.value.save_as(saved)
        return saved


def pixels_of(canvas: Locator) -> np.ndarray:
    width, height, data = canvas.evaluate(PIXELS)
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    return pixels[..., :3].astype(np.float32) / 255


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean of the absolute difference of two pictures of one size, in 255ths."""
    return float(np.abs(one - other).mean()) * 255


def save_photo(path: Path, width: int = 640, height: int = 480) -> Path:
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 200 / height + 20, columns * 200 / width + 20, (rows + columns) % 256 / 4 + 60], 2)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def original(path: Path, like: np.ndarray) -> np.ndarray:
    """A photo at the size of a preview."""
    height, width = like.shape[:2]
    return read_picture(path).resized(width, height).as_float()


def is_painted(studio: Studio, photo: Path, strength: float = 1.0, weights: tuple[float, ...] = (1.0,)) -> bool:
    """Whether the page shows what a toy style makes of a photo."""
    shown = studio.pixels()
    return difference(shown, expected(original(photo, shown), strength, weights)) < JPEG


def look_again(studio: Studio) -> None:
    """As when the artist comes back to the page."""
    studio.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def file_of(path: Path) -> dict[str, Any]:
    return {"name": path.name, "data": base64.b64encode(path.read_bytes()).decode()}
