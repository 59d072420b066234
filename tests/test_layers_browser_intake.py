"""How pictures come into the Layers tab, in a real browser: by files, from the gallery, into a stack that is open."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import DROP, IN_CHROMIUM, file_of
from easel import LEVELS, Easel, open_layers
from playwright.sync_api import Page, expect
from psd_tools import PSDImage
from serving import HOST, Running, wait_until

from nst_core.picture import Picture, read_picture, write_picture
from studio.layers.stack import Stack
from studio.layers.tab import preview

pytest_plugins = ["easel_fixtures"]
pytestmark = IN_CHROMIUM


def test_a_picture_that_is_wrong_is_told_and_others_may_be_taken(
    page: Page,
    layers_server: Running,
    pictures: tuple[Path, list[Path]],
    tmp_path: Path,
) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    tab = open_layers(page, layers_server.port)
    tab.locator('[data-part="file"]').set_input_files([pictures[0], tmp_path / "broken.png"])
    page.get_by_role("button", name="Make layers").click()
    expect(tab.get_by_role("alert")).to_contain_text("broken.png")
    tab.get_by_role("button", name="Leave out broken.png").click()
    expect(page.get_by_role("button", name="Make layers")).to_be_disabled()
    tab.locator('[data-part="intake"]').evaluate(DROP, file_of(pictures[1][0]))
    expect(tab.get_by_role("radio", name="The photo").first).to_be_checked()
    page.get_by_role("button", name="Make layers").click()
    expect(tab.locator(".layer").first).to_be_visible()
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('impasto:layers', {detail: {renders: [12345], opens: true}}))"
    )
    expect(tab.get_by_role("alert")).to_contain_text("12345")


def test_work_is_shown_as_it_goes_and_canceled(
    page: Page, layers_server: Running, pictures: tuple[Path, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[BaseException] = []

    def endless(photo: Picture, renders: Any, options: Any, progress: Callable[[float], None], sight: Any) -> Stack:
        try:
            while True:
                progress(0.5)
                time.sleep(0.01)
        except BaseException as error:
            ended.append(error)
            raise

    monkeypatch.setattr(preview, "build_stack", endless)
    tab = open_layers(page, layers_server.port)
    tab.locator('[data-part="file"]').set_input_files([pictures[0], *pictures[1]])
    page.get_by_role("button", name="Make layers").click()
    expect(tab.get_by_role("progressbar")).to_have_js_property("value", 0.4)
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.locator('[data-part="status"]')).to_have_text("Canceled")
    expect(page.get_by_role("button", name="Make layers")).to_be_enabled()
    wait_until(lambda: ended)


def test_renders_of_the_gallery_are_opened_as_layers(page: Page, layers_server: Running) -> None:
    page.goto(f"http://{HOST}:{layers_server.port}/")
    page.get_by_role("tab", name="Gallery").click()
    tiles = page.locator(".gallery .tile")
    expect(tiles).to_have_count(3)
    tiles.first.click()
    page.keyboard.press("l")
    page.keyboard.press("Escape")
    page.locator('.gallery [data-part="tray-open"]').click()
    expect(page.locator(".layers-tab .layer").first).to_be_visible()
    expect(page.locator('.layers-tab [data-part="status"]')).to_contain_text("240 × 160")
    expect(page.get_by_role("tab", name="Layers")).to_have_attribute("aria-selected", "true")


def test_renders_are_added_to_the_layers_that_are_open(
    easel: Easel, pictures: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    easel.choose("waves")
    easel.slide("opacity", 40)
    before = easel.names()
    write_picture(read_picture(pictures[1][0]).resized(120, 80), tmp_path / "cat-dawn.png")
    easel.part("stage").evaluate(DROP, file_of(tmp_path / "cat-dawn.png"))
    expect(easel.part("status")).to_have_text("Added dawn")
    place = before.index("Renders") + 1
    assert easel.names() == [*before[:place], "dawn", *before[place:]]
    easel.choose("waves")
    expect(easel.part("opacity-text")).to_have_text("40 %")
    document = PSDImage.open(easel.save("psd", tmp_path))
    assert "dawn" in [layer.name for layer in document.descendants()]
    assert np.abs(np.asarray(document.topil())[..., :3].astype(int) - easel.shown()).max() <= LEVELS
    easel.part("stage").evaluate(DROP, file_of(tmp_path / "cat-dawn.png"))
    expect(easel.part("status")).to_have_text("These are among the layers already.")


def test_on_a_phone_nothing_is_cut_off(easel: Easel) -> None:
    easel.page.set_viewport_size({"width": 375, "height": 800})
    try:
        expect(easel.part("save")).to_be_visible()
        assert easel.page.evaluate("document.documentElement.scrollWidth") == 375
        box = easel.part("canvas").bounding_box()
        assert box is not None and box["width"] <= 375
    finally:
        easel.page.set_viewport_size({"width": 1200, "height": 800})
