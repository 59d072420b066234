"""The Compare tab in a real browser: chosen, started, stopped, gone on with, kept, and its report."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import CHROMIUM, FLAGS, IN_CHROMIUM, save_photo
from compared_style import write_compared_style, write_network
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import HOST, PATIENCE_S, Running, running
from toy_style import expected

from impasto.page import mount_page
from nst_core import features
from nst_core.picture import Picture, read_picture
from serve.api.app import build_app
from serve.engine import Engine

pytestmark = IN_CHROMIUM


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    network_file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setenv("IMPASTO_TRAINING_DIR", str(tmp_path / "training"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    photo = read_picture(save_photo(tmp_path / "cat.png"))
    painting = Picture.from_float(expected(photo.resized(256, 192).as_float()))  # which the toy network paints well
    write_compared_style(tmp_path / "styles" / "waves.onnx", [painting], features.load_network("compact"), size_px=256)
    with running(mount_page(build_app(Engine()))) as server:
        yield server


@pytest.fixture
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, server: Running, width: int = 1200) -> Iterator[Page]:
    """The tab; it may have no error, and ask no other machine for anything."""
    errors: list[str] = []
    addresses: list[str] = []
    page = browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True).new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"http://{HOST}:{server.port}/")
    page.get_by_role("tab", name="Compare").click()
    yield page
    page.context.close()
    assert not errors
    assert not [url for url in addresses if not url.startswith((f"http://{HOST}:{server.port}/", "data:", "blob:"))]


def choose(page: Page, photo: Path) -> None:
    page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(photo)
    expect(page.get_by_alt_text(photo.name)).to_be_visible()
    page.get_by_role("button", name="Waves", exact=True).click()
    expect(page.get_by_alt_text("Fast")).to_be_visible()


def button(page: Page, name: str):
    return page.get_by_role("button", name=name)


def iterations(page: Page) -> int:
    return int(page.get_by_role("progressbar", name="Iterations of the optimizer").get_attribute("aria-valuenow") or 0)


def points(page: Page) -> int:
    """Of the curve that is drawn."""
    return len((page.locator("svg.curve polyline.slow").get_attribute("points") or "").split())


def download(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as download:
        button(page, name).click()
    saved = folder / download.value.suggested_filename
    download.value.save_as(saved)
    return saved


def test_a_comparison_is_started_stopped_gone_on_with_kept_and_reported(
    browser: Browser, server: Running, tmp_path: Path
):
    photo = tmp_path / "cat.png"
    with opened(browser, server) as page:
        choose(page, photo)
        button(page, "Start").click()
        expect(page.get_by_alt_text("Slow")).to_be_visible()
        shown = page.get_by_alt_text("Slow").get_attribute("src")
        expect(page.get_by_alt_text("Slow")).not_to_have_attribute("src", shown or "")  # it develops
        expect(button(page, "Download report")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\d+ s left|min \d+ s left"))).to_be_visible()
        expect(page.locator("svg.curve line.fast")).not_to_have_count(0)
        expect(page.get_by_role("status").filter(has_text="Under compact, this network equals")).to_be_visible()
        expect(page.locator("svg.curve circle.mark")).to_be_visible()
        button(page, "Stop").click()
        expect(button(page, "Resume")).to_be_visible()
        stopped = iterations(page)
        assert stopped >= 10 and points(page) == stopped + 1

        kept = download(page, "Keep picture", tmp_path)
        assert kept.name == f"cat-waves-{stopped}.png"
        assert (read_picture(kept).settings or {})["options"]["iterations"] == stopped
        report = download(page, "Download report", tmp_path)
        assert report.name == "cat-waves-compared.html" and "slow 10" in report.read_text("utf-8")

    with opened(browser, server, width=375) as page:  # on another day, on a telephone
        choose(page, photo)
        expect(button(page, "Resume")).to_be_enabled()
        assert iterations(page) == stopped
        button(page, "Resume").click()
        expect(page.locator("figcaption").filter(has_text="Slow")).to_contain_text(re.compile("iteration [1-9]"))
        button(page, "Stop").click()
        expect(button(page, "Resume")).to_be_visible()
        assert iterations(page) > stopped and points(page) == iterations(page) + 1
        assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_who_comes_second_waits_until_the_first_one_leaves(browser: Browser, server: Running, tmp_path: Path):
    with opened(browser, server) as second:
        with opened(browser, server) as first:
            choose(first, tmp_path / "cat.png")
            button(first, "Start").click()
            expect(first.get_by_alt_text("Slow")).to_be_visible()
            choose(second, save_photo(tmp_path / "dog.png", 480, 640))
            button(second, "Start").click()
            expect(second.get_by_text("You are number 2 in line")).to_be_visible()
            assert second.get_by_alt_text("Slow").count() == 0
        expect(second.get_by_alt_text("Slow")).to_be_visible(timeout=10_000)  # the first one's page is closed
        assert second.get_by_text("in line").count() == 0


def test_a_broken_photo_is_told_in_a_line(browser: Browser, server: Running, tmp_path: Path):
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    with opened(browser, server) as page:
        page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(broken)
        expect(page.get_by_role("alert")).to_have_text(re.compile("^broken.png is not a picture"))
        page.get_by_role("button", name="coffee").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_text("Choose a style.")).to_be_visible()
