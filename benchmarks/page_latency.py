"""Milliseconds from a slider's input to the repainted picture in the browser, beside the bare network in the same run.

    impasto bench page_latency

`impasto ui` runs in a process of its own, and Debian's Chromium, without a graphics card, opens its page. The photo is
larger than 512 px, so that what is repainted while a slider is dragged is its preview of 512x512. Each move waits for
the picture of the one before, as a hand does that looks; the clock stops in the first frame that shows the new pixels.
The network alone, as ONNX Runtime calls it, is measured before and after.

Takes: half a minute.
Needs: Chromium at /usr/bin/chromium.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np
import psutil
import skimage
from apply import session
from harness import argument_parser, record, run, seconds, server
from playwright.sync_api import Page, expect, sync_playwright

from models.catalog import find_style
from nst_core.picture import read_picture, write_picture

SIZE_PX = 512
TARGET_MS = 150
STYLE = "starry_night"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Draws are noticed from outside, so that the page is the one that users have.
WATCH = """
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (picture, ...place) {
  draw.call(this, picture, ...place);
  if (this.canvas.dataset.part === "after") {
    const drawn = new CustomEvent("drawn", { detail: picture.width });
    requestAnimationFrame(() => document.dispatchEvent(drawn));
  }
};
"""
MOVE = """
(slider, value) => new Promise((resolve) => {
  const begun = performance.now();
  document.addEventListener("drawn", ({ detail }) => resolve([performance.now() - begun, detail]), { once: true });
  slider.value = value;
  slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
})
"""


def network_ms(rounds: int) -> list[float]:
    """The bare network at 512x512."""
    paint = session(find_style(STYLE), SIZE_PX, psutil.cpu_count(logical=False) or 1)
    paint()  # finds memory
    return [1000 * seconds(paint) for _ in range(rounds)]


def page_ms(page: Page, moves: int) -> list[float]:
    """From a slider's input to the repainted picture."""
    slider = page.get_by_role("slider", name="Strength", exact=True)
    times = []
    for value in np.linspace(0.5, 1.4, moves + 2):  # the first two warm up
        took, width = slider.evaluate(MOVE, round(float(value), 2))
        if width != SIZE_PX:
            raise SystemExit(f"{width} px were repainted, not {SIZE_PX}")
        times.append(took)
    return times[2:]


def large_photo(folder: Path) -> Path:
    photo = read_picture(Path(skimage.__file__).parent / "data" / "astronaut.png")
    path = folder / "astronaut.jpg"
    write_picture(photo.resized(2048, 2048), path)
    return path


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--moves", type=int, default=30)
    options = parser.parse_args()
    alone = network_ms(10)
    with tempfile.TemporaryDirectory() as folder, server() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.add_init_script(WATCH)
        page.goto(address)
        page.locator(f'.card[data-style="{STYLE}"]').click()
        page.set_input_files("[data-part=file]", large_photo(Path(folder)))
        expect(page.locator("[data-part=status]")).to_contain_text("Painted in")
        times = page_ms(page, options.moves)
        browser.close()
    alone += network_ms(10)
    figures = {
        "size_px": SIZE_PX,
        "moves": options.moves,
        "input_to_picture_ms": {
            "median": round(statistics.median(times), 1),
            "p95": round(float(np.percentile(times, 95)), 1),
        },
        "bare_network_ms": round(statistics.median(alone), 1),
        "target_ms": TARGET_MS,
    }
    record("page_latency", figures)


if __name__ == "__main__":
    run(main)
