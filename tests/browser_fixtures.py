"""Fixtures of the tests in a browser: toy styles, a server, Chromium and its pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, FLAGS, Studio, save_photo
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from serving import PATIENCE_S, Running, running
from toy_style import write_toy_style

from impasto.page import mount_page
from serve.api.app import build_app
from serve.engine import Engine


@pytest.fixture(scope="module")
def styles_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three toy styles, which come to those that ship: two of one painting, one of three."""
    folder = tmp_path_factory.mktemp("styles")
    write_toy_style(folder / "toy_dawn.onnx")
    write_toy_style(folder / "toy_dusk.onnx")
    write_toy_style(folder / "toy_palette.onnx", paintings=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_STYLES_DIR", str(folder))
        patch.setenv("IMPASTO_TRAINING_DIR", str(folder / "training"))
        yield folder


@pytest.fixture(scope="module")
def make_app(styles_folder: Path) -> Callable[[Engine], FastAPI]:
    """Makes what `impasto ui` serves, with an engine."""
    return lambda engine: mount_page(build_app(engine))


@pytest.fixture(scope="module")
def server(make_app: Callable[[Engine], FastAPI]) -> Iterator[Running]:
    with running(make_app(Engine())) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests, as its cache makes the page open faster; what a page stores is cleared after each."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE_S * 1000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose scripts must run without error, and ask for nothing elsewhere."""
    page = context.new_page()
    errors: list[str] = []
    addresses: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: addresses.append(request.url))
    yield page
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.close()
    assert errors == []
    assert addresses
    assert [url for url in addresses if not re.match(r"http://127\.0\.0\.1:|data:|blob:", url)] == []


@pytest.fixture
def studio(page: Page, server: Running) -> Studio:
    return Studio(page, server.port)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A smooth photo, so that JPEG keeps it well."""
    return save_photo(tmp_path / "cat.png")
