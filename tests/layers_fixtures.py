"""Fixtures of the tests of what the Layers tab asks of the server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from layers_api import Pictures, described, server

pytest_plugins = ["layered_photo_fixtures"]


@pytest.fixture(scope="module")
def description(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The nodes of their stack, as the preview tells them."""
    return described(server(tmp_path_factory.mktemp("described")), pictures)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files; it must be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert [*folder.iterdir()] == []


@pytest.fixture
def tab_api(tmp_path: Path, temporary: Path) -> TestClient:
    return server(tmp_path / "sweep")
