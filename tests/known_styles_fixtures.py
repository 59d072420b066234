"""The styles of the tests of optimizer and fast networks together."""

from pathlib import Path

import pytest
from known_styles import write_style

from models import catalog


@pytest.fixture
def known_styles(painting_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the styles: `sky` knows waves.png, `pair` that and night.png, both at 96 pixels."""
    folder = tmp_path / "styles"
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(folder))
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    write_style(folder / "sky.onnx", ["waves.png"])
    write_style(folder / "pair.onnx", ["waves.png", "night.png"])
    return folder
