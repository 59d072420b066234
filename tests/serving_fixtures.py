"""Fixtures of the tests of the HTTP API."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from serving import api_with, use_styles


@pytest.fixture
def styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's styles, `waves` and `six`; none that ship."""
    return use_styles(tmp_path, monkeypatch)


@pytest.fixture
def api(styles: Path) -> TestClient:
    """Talks to an app with the real engine, and these styles."""
    return api_with()
