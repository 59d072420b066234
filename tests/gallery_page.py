"""The Gallery tab in a browser, for tests: what an artist sees of it, and does there."""

from pathlib import Path

from playwright.sync_api import Locator, Page

from studio.gallery.store import Store

PHOTOS, STYLES = 6, 25
"""Each photo has a proof in each style."""
RENDERS = PHOTOS * STYLES + 2
"""In the folder: those, one of a photo that is there, and a final."""
SIZE = (480, 320)
TAUGHT = "proofs/cat-waves.png"
"""The only proof whose photo is known to the sweep."""


class Gallery:
    """What an artist sees of the tab, and does there."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_role("tab", name="Gallery").click()

    def part(self, name: str) -> Locator:
        return self.page.locator(f'.gallery [data-part="{name}"]')

    @property
    def tiles(self) -> Locator:
        return self.page.locator(".gallery .tile")

    @property
    def current(self) -> Locator:
        """The tile that keys are about, as a screen reader is told of it."""
        id = self.part("wall").get_attribute("aria-activedescendant")
        assert id is not None
        return self.page.locator(f"#{id}")

    @property
    def status(self) -> Locator:
        return self.part("status")

    def tile(self, words: str) -> Locator:
        return self.page.get_by_role("option", name=words)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def order(self, name: str) -> None:
        self.part("order").select_option(name)
        self.part("wall").focus()

    def sheet(self, number: int = 0) -> list[float]:
        """Left, top, width and height of a picture in the large view."""
        place = self.page.locator(".pane .sheet").nth(number)
        return place.evaluate(
            "(one) => { const {x, y, width, height} = one.getBoundingClientRect(); return [x, y, width, height]; }"
        )


def ratings(folder: Path) -> dict[str, str]:
    """Those that are rated, by their files."""
    return {path: rating for path, rating in Store(folder).ratings().items() if rating != "unrated"}
