"""The page where things do not go at once, and for whom it is used, in a real browser: lines, faults, phones, keys."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from browser import IN_CHROMIUM, Studio, is_painted, look_again, save_photo
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from serving import GatedEngine, Running, running, wait_until

from serve.engine import Engine

pytest_plugins = ["browser_fixtures"]
pytestmark = IN_CHROMIUM


def test_a_busy_server_is_asked_again(studio: Studio, photo: Path) -> None:
    refusals = iter([429, 503])

    def refuse(route: Route) -> None:
        status = next(refusals, None)
        if status is None:
            route.continue_()
        else:
            problem = '{"title": "busy", "detail": "try again"}'
            route.fulfill(status=status, headers={"Retry-After": "1"}, body=problem)

    studio.page.route("**/api/v1/paint", refuse)
    studio.drop(photo)
    studio.card("toy_dawn").click()
    expect(studio.part("status")).to_have_text("Waiting for a place…")
    studio.wait_until_painted()
    assert next(refusals, None) is None
    assert is_painted(studio, photo)


def test_what_the_server_refuses_is_told(studio: Studio, photo: Path, tmp_path: Path) -> None:
    small = save_photo(tmp_path / "stamp.png", 40, 20)
    studio.drop(small)
    studio.card("toy_dawn").click()
    expect(studio.part("notice")).to_contain_text("32")
    studio.drop(photo)
    expect(studio.part("notice")).to_be_hidden()
    studio.wait_until_painted()


def test_a_download_shows_how_far_it_is_and_is_canceled(
    page: Page, make_app: Callable[[Engine], FastAPI], photo: Path
) -> None:
    engine = GatedEngine()
    with running(make_app(engine)) as server:
        studio = Studio(page, server.port)
        engine.let(2)
        studio.drop(photo)
        studio.choose("toy_dawn")
        studio.part("download").click()
        expect(studio.part("progress")).to_have_attribute("value", "0.5")
        expect(studio.part("left")).to_have_text(re.compile("left|almost done"))
        studio.part("cancel").click()
        expect(studio.part("status")).to_have_text("Download canceled")
        expect(studio.part("download")).to_be_focused()
        wait_until(lambda: engine.stopped == ["cat.png"])


def test_a_server_that_has_gone_comes_back(page: Page, make_app: Callable[[Engine], FastAPI], photo: Path) -> None:
    with running(make_app(Engine())) as first:
        studio = Studio(page, first.port)
        studio.drop(photo)
        studio.choose("toy_dawn")
    studio.slider("Strength").fill("0.5")
    expect(studio.part("notice")).to_contain_text("Impasto does not answer")
    with running(make_app(Engine()), first.port):
        look_again(studio)
        expect(studio.part("notice")).to_be_hidden()
        studio.wait_until_painted()
        assert is_painted(studio, photo, 0.5)
        page.goto("about:blank")


def test_who_waits_sees_the_place_in_the_line(
    context: BrowserContext, page: Page, make_app: Callable[[Engine], FastAPI], photo: Path
) -> None:
    engine = GatedEngine()
    with running(make_app(engine)) as server:
        other = context.new_page()
        first, second = Studio(page, server.port), Studio(other, server.port)
        for studio in (first, second):
            studio.part("search").fill("toy")
            studio.drop(photo)
            studio.part("all").click()
            wait_until(lambda: "photo" in engine.begun)  # the first one's: a tab that is not seen is slow
        expect(first.part("status")).to_have_text("Painting…")
        expect(second.part("status")).to_have_text("Waiting: number 1 in the line")
        engine.let(6)
        for studio in (first, second):
            expect(studio.part("status")).to_have_text("3 of 3 styles painted")
        other.close()


def test_zoom_shows_the_pixels_of_a_large_photo(studio: Studio, tmp_path: Path) -> None:
    studio.drop(save_photo(tmp_path / "large.png", 1600, 1200))
    studio.choose("toy_dawn")
    assert studio.pixels().shape[1] <= 1024
    studio.page.keyboard.press("z")
    expect(studio.part("zoom")).to_have_attribute("aria-pressed", "true")
    studio.page.wait_for_function("document.querySelector('[data-part=after]').width === 1600")
    box = studio.part("sheet").bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(1600, abs=2)
    assert studio.part("stage").evaluate("(stage) => stage.scrollLeft") > 100


def test_the_keyboard_alone_is_enough(studio: Studio, tmp_path: Path) -> None:
    page = studio.page

    def tab_to(label: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate("(document.activeElement.ariaLabel ?? '') + document.activeElement.textContent")
            if label in focused:
                return
        pytest.fail(f"Tab does not reach {label}")

    tab_to("Example photo: rocket")
    page.keyboard.press("Enter")
    expect(studio.part("sheet")).to_be_visible()
    tab_to("Search styles")
    page.keyboard.type("toy")
    tab_to("All styles")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    studio.wait_until_painted()
    expect(studio.card("toy_dawn").locator("input")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(studio.card("toy_dusk").locator("input")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    expect(studio.slider("Strength")).to_have_value("0.99")
    studio.wait_until_painted()
    page.evaluate("document.querySelector('[data-part=format]').focus()")
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "rocket-toy_dusk.png"


@pytest.mark.parametrize("wall", [False, True], ids=["picture", "all styles"])
def test_a_phone_is_wide_enough(browser: Browser, server: Running, photo: Path, wall: bool) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True)
    studio = Studio(context.new_page(), server.port)
    studio.part("search").fill("toy")
    studio.drop(photo)
    studio.card("toy_palette").tap()
    studio.wait_until_painted()
    if wall:
        studio.part("all").click()
        expect(studio.part("stop")).to_be_hidden()
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 375
    controls = studio.page.locator(".paint :is(button, select, input[type=range], input[type=search], .colors label)")
    boxes = [control.bounding_box() for control in controls.all() if control.is_visible()]
    assert len(boxes) > 8
    assert [box for box in boxes if box is None or box["height"] < 40 or box["x"] + box["width"] > 375] == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(browser: Browser, server: Running, photo: Path, scheme: Literal["light", "dark"]) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 800})
    studio = Studio(context.new_page(), server.port)
    contrasts = measure(studio)
    studio.drop(photo)
    studio.choose("toy_palette")
    contrasts |= measure(studio)
    assert len(contrasts) > 15
    assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
    context.close()


def measure(studio: Studio) -> dict[str, float]:
    """Contrast of each text that is not disabled, by WCAG 2."""
    return studio.page.evaluate("""() => {
        const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
            .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
            .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
        const parse = (color) => color.match(/[\\d.]+/g).map(Number);
        const ground = (element) => {
            for (; element; element = element.parentElement) {
                const color = parse(getComputedStyle(element).backgroundColor);
                if ((color[3] ?? 1) > 0) return color;
            }
            return [255, 255, 255];
        };
        const found = {};
        for (const element of document.querySelectorAll(".gradio-container *")) {
            const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!own || !element.checkVisibility() || element.closest(":disabled, .hidden")) continue;
            const [one, two] = [parse(getComputedStyle(element).color), ground(element)].map(light);
            found[element.textContent.trim()] = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        }
        return found;
    }""")
