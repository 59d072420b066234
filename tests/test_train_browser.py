"""The Train tab in a real browser: paintings dropped, told about, queued and taken off again."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, FLAGS, IN_CHROMIUM
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from serving import HOST, Running, running

from impasto.page import mount_page
from serve.api.app import build_app
from serve.engine import Engine
from train.page.trainings import Trainings

pytestmark = IN_CHROMIUM


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setenv("IMPASTO_TRAINING_DIR", str(tmp_path / "training"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    with running(mount_page(build_app(Engine()))) as server:
        yield server


@pytest.fixture
def page(server: Running) -> Iterator[Page]:
    """The tab, on a telephone; it may have no error, and ask no other machine for anything."""
    errors: list[str] = []
    addresses: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": 375, "height": 800}).new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: addresses.append(request.url))
        show_tab(page, server)
        yield page
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        browser.close()
    assert not errors
    elsewhere = [url for url in addresses if not url.startswith((address(server), "data:", "blob:"))]
    assert not elsewhere


def address(server: Running) -> str:
    return f"http://{HOST}:{server.port}"


def show_tab(page: Page, server: Running) -> None:
    page.goto(address(server))
    page.get_by_role("tab", name="Train").click()
    expect(page.get_by_role("button", name="Start learning")).to_be_visible(timeout=20_000)


def painting(path: Path, seed: int) -> Path:
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8))
    coarse.resize((128, 96)).save(path)
    return path


def test_paintings_are_dropped_told_about_queued_and_taken_off(page: Page, server: Running, tmp_path: Path):
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    expect(page.get_by_role("heading", name="Turn a painting into a style")).to_be_visible()
    drop = page.locator("input[type=file][multiple]")
    drop.set_input_files([painting(tmp_path / "waves.png", 0), painting(tmp_path / "red_hills.png", 1), broken])
    titles = page.get_by_label("Title")
    expect(titles).to_have_count(2)
    expect(titles.nth(1)).to_have_value("Red Hills")
    expect(page.get_by_role("alert")).to_have_text(re.compile("^broken.png is not a picture .* left out$"))

    titles.nth(0).fill('The "Waves" ${1}')
    page.get_by_label("Artist").nth(0).fill("A. Painter")
    drop.set_input_files([painting(tmp_path / "night.png", 2)])
    expect(titles).to_have_count(3)
    expect(titles.nth(0)).to_have_value('The "Waves" ${1}')  # what was typed stays
    page.get_by_role("button", name="Leave out: red_hills.png").click()
    expect(titles).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 paintings, 5 min for each")).to_be_visible()
    page.get_by_label("Until a time").check()
    page.get_by_role("textbox", name="Until").fill("soon")
    expect(page.get_by_role("alert").filter(has_text="'soon' is no time")).to_be_visible()

    page.get_by_label("Artist").nth(1).fill("B.")
    page.get_by_role("button", name="Queue for later").click()  # at once: nothing that was typed is overtaken
    expect(page.get_by_role("heading", name="2 paintings to be learned")).to_be_visible()
    expect(titles).to_have_count(0)
    jobs = Trainings(tmp_path / "training").look().jobs
    assert [job.spec["title"] for job in jobs] == ['The "Waves" ${1}', "Night"]
    assert [job.spec["paintings"][0]["artist"] for job in jobs] == ["A. Painter", "B."]
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file() and path.stat().st_size]

    show_tab(page, server)  # another visitor, or the same one tomorrow
    page.get_by_role("button", name='Remove: The "Waves" ${1}').click()
    expect(page.get_by_role("heading", name="1 painting to be learned")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text='The "Waves" ${1} is taken off the list.')).to_be_visible()
    assert [path.name for path in (tmp_path / "training" / "paintings").iterdir()] == ["night.png"]
