"""The Layers tab in a browser, for tests: what an artist sees of it, and does there."""

import base64
from pathlib import Path

import numpy as np
from browser import PIXELS, pixels_of
from playwright.sync_api import Locator, Page, expect
from serving import HOST

LEVELS = 2
"""That the page's picture may be from the files'."""


def open_layers(page: Page, port: int) -> Locator:
    """Goes to the page and its tab, and gives that once its script has come."""
    page.goto(f"http://{HOST}:{port}/")
    page.get_by_role("tab", name="Layers").click()
    tab = page.locator(".layers-tab")
    expect(tab.locator('[data-part="size-text"]')).not_to_be_empty()
    return tab


class Easel:
    """The tab, and what an artist does there."""

    def __init__(self, page: Page, port: int, pictures: tuple[Path, list[Path]]) -> None:
        self.page = page
        open_layers(page, port)
        photo, renders = pictures
        self.part("file").set_input_files([*renders, photo])
        page.get_by_role("button", name="Make layers").click()
        expect(self.part("status")).to_contain_text("Shown at")

    def part(self, name: str) -> Locator:
        return self.page.locator(f'.layers-tab [data-part="{name}"]')

    def row(self, name: str) -> Locator:
        return self.page.locator(f'.layer:has(.name[title="{name}"])')

    def names(self) -> list[str]:
        """From the top, as the list has them."""
        return self.page.locator(".layer .name").all_inner_texts()

    def choose(self, name: str) -> None:
        self.row(name).locator(".name").click()

    def slide(self, part: str, value: float) -> None:
        self.part(part).evaluate(
            """(input, value) => {
                input.value = value;
                for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind));
            }""",
            value,
        )

    def shown(self) -> np.ndarray:
        """What the picture shows once it is drawn, (H, W, 3)."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return np.rint(pixels_of(self.part("canvas")) * 255).astype(int)

    def hidden(self) -> np.ndarray:
        """How much the veil covers, (H, W), where the mask of the chosen layer hides."""
        self.part("see").click()
        self.shown()  # by then the veil is drawn, too
        width, height, data = self.part("veil").evaluate(PIXELS)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., 3].astype(int)

    def stroke(self, *places: tuple[float, float]) -> None:
        """Paints from place to place, in pixels of the picture."""
        box = self.part("canvas").bounding_box()
        assert box is not None
        zoom = box["width"] / int(self.part("canvas").get_attribute("width") or 1)
        for number, (x, y) in enumerate(places):
            self.page.mouse.move(box["x"] + x * zoom, box["y"] + y * zoom, steps=4)
            if number == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def drag(self, name: str, under: str, to_left: float = 0) -> None:
        """Drags a layer below another."""
        grip, target = self.row(name).locator(".grip").bounding_box(), self.row(under).bounding_box()
        assert grip is not None and target is not None
        self.page.mouse.move(grip["x"] + 5, grip["y"] + 5)
        self.page.mouse.down()
        self.page.mouse.move(grip["x"] + 5 - to_left, target["y"] + target["height"] - 4, steps=5)
        self.page.mouse.up()

    def save(self, format: str, folder: Path) -> Path:
        self.part("format").select_option(format)
        with self.page.expect_download() as download:
            self.part("save").click()
        saved = folder / download.value.suggested_filename
        download.value.save_as(saved)
        expect(self.part("status")).to_contain_text("Saved")
        return saved
