"""Seconds until the Gallery tab shows a folder of renders in the browser, and milliseconds to page on.

    impasto bench gallery

Renders of 512 px, drawn by code and written as `impasto sweep` writes them, lie in a folder of their own. `impasto ui
--gallery` runs in a process of its own, and Debian's Chromium, without a graphics card, opens its page twice: first
while nothing is known of the folder, so that it is looked through and the thumbnails in sight are made meanwhile, then
when all is known. The clock runs from the click on the tab to the first frame in which all renders are counted and
every thumbnail in sight is there. Then the wall is paged through by the key PageDown; there the clock stops in the
first frame that shows the next page whole.

Takes: a minute.
Needs: Chromium at /usr/bin/chromium.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import argument_parser, record, run, server
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from nst_core.picture import Picture, write_picture
from studio.gallery.store import Store

TARGET_OPEN_S, TARGET_PAGE_MS = 2.0, 300
SIZE_PX = (512, 341)
STYLES = 25
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

WHOLE = """
window.whole = () => {
  const wall = document.querySelector(".gallery .wall");
  const { top, bottom } = wall.getBoundingClientRect();
  const seen = [...wall.querySelectorAll(".tile")].filter((tile) => {
    const box = tile.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  });
  return seen.length > 0 && seen.every((tile) => tile.firstElementChild.naturalWidth > 0);
};
window.until = (holds) => new Promise((resolve) => {
  const look = () => (holds() ? resolve() : requestAnimationFrame(look));
  requestAnimationFrame(look);
});
"""
OPEN = """
async (count) => {
  const begun = performance.now();
  [...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim() === "Gallery").click();
  const status = () => document.querySelector('.gallery [data-part="status"]')?.textContent ?? "";
  await until(() => document.querySelector(".gallery .wall") && status().includes(`${count} renders`) && whole());
  return (performance.now() - begun) / 1000;
}
"""
PAGE = """
async () => {
  const wall = document.querySelector(".gallery .wall");
  const before = wall.scrollTop;
  const begun = performance.now();
  wall.dispatchEvent(new KeyboardEvent("keydown", { key: "PageDown", bubbles: true, cancelable: true }));
  await until(() => wall.scrollTop !== before && whole());
  return performance.now() - begun;
}
"""


def draw_renders(folder: Path, count: int) -> None:
    """Writes renders that look like something: soft forms in a style's two colors, with strokes over them."""
    width, height = SIZE_PX
    random = np.random.default_rng(0)
    for number in range(count):
        forms = Image.fromarray(random.integers(0, 256, (6, 9), np.uint8)).resize(SIZE_PX, Image.Resampling.BICUBIC)
        strokes = random.normal(0, 0.06, (height, width, 1))
        share = np.asarray(forms)[..., None] / 255
        one, other = np.random.default_rng(number % STYLES).random((2, 3))
        photo, style = f"photo{number // STYLES}", f"style{number % STYLES}"
        settings = {"command": "paint", "photo": {"file": f"{photo}.jpg", "sha256": "0" * 64}, "style": {"name": style}}
        picture = Picture.from_float(share * one + (1 - share) * other + strokes)
        write_picture(picture, folder / "proofs" / f"{photo}-{style}.png", settings=settings, fast=True)


def open_tab(browser: Browser, address: str, count: int) -> tuple[Page, float]:
    """The page with the tab open, and the seconds from the click."""
    page = browser.new_page(viewport={"width": 1360, "height": 860})
    page.add_init_script(WHOLE)
    page.goto(address)
    expect(page.locator(".card").first).to_be_visible()
    return page, page.evaluate(OPEN, count)


def draw_thumbnails(folder: Path, count: int) -> float:
    """Waits until the server has made all thumbnails; gives how many it makes in a second."""
    began, before = time.monotonic(), len(Store(folder).without_look())
    while left := len(Store(folder).without_look()):
        time.sleep(0.5)
    return (before - left) / (time.monotonic() - began)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--renders", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "sweep"
        draw_renders(folder, options.renders)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        with server("--gallery", str(folder)) as (address, _):
            page, first = open_tab(browser, address, options.renders)
            a_second = draw_thumbnails(folder, options.renders)
            page.close()
        with server("--gallery", str(folder)) as (address, _):
            page, again = open_tab(browser, address, options.renders)
            times = [page.evaluate(PAGE) for _ in range(options.pages)]
            browser.close()
    figures = {
        "renders": options.renders,
        "pages": options.pages,
        "open_first_s": round(first, 2),
        "open_again_s": round(again, 2),
        "thumbnails_a_second": round(a_second, 1),
        "page_ms": {
            "median": round(statistics.median(times), 1),
            "p95": round(float(np.percentile(times, 95)), 1),
        },
        "target_open_s": TARGET_OPEN_S,
        "target_page_ms": TARGET_PAGE_MS,
    }
    record("gallery", figures)


if __name__ == "__main__":
    run(main)
