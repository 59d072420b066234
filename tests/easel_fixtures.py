"""Fixtures of the tests of the Layers tab in a browser: a photo with its renders, a server, and the tab with both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from easel import Easel
from layered_photo import sweep
from playwright.sync_api import Page
from serving import Running, running

from impasto.page import mount_page
from serve.api.app import build_app
from serve.engine import Engine

pytest_plugins = ["browser_fixtures", "layered_photo_fixtures"]


@pytest.fixture(scope="module")
def layers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    gallery, _ = sweep(tmp_path_factory.mktemp("swept"))
    with running(mount_page(build_app(Engine()), gallery)) as server:
        yield server


@pytest.fixture
def easel(page: Page, layers_server: Running, pictures: tuple[Path, list[Path]]) -> Easel:
    return Easel(page, layers_server.port, pictures)
