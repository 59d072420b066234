"""The example paintings: drawn the same every time, and fit to be styles."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def draw_paintings(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, imported as Python imports what stands beside a script."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("draw_paintings")


def broad_contrast(picture: Image.Image) -> float:
    """Standard deviation of the luminance of areas a 24th of the picture wide; noise has next to none."""
    return float(np.std(np.asarray(picture.convert("L").resize((24, 24), Image.Resampling.BOX)) / 255))


def test_committed_paintings_are_fit_to_be_styles(draw_paintings: ModuleType) -> None:
    """All eight are there, of the promised size, with large areas of unlike value, and small together."""
    paths = [EXAMPLES / "paintings" / f"{name}{suffix}" for name, suffix in draw_paintings.FILES.items()]
    assert len(paths) == 8
    for path in paths:
        with Image.open(path) as painting:
            assert (painting.mode, max(painting.size)) == ("RGB", 768), path.name
            assert broad_contrast(painting) > 0.08, path.name
    assert sum(path.stat().st_size for path in paths) < 4_000_000


def test_contrast_tells_a_painting_from_noise() -> None:
    """The measure of the test above fails what is no painting."""
    pixels = np.random.default_rng(0).integers(0, 256, (768, 768, 3), np.uint8)
    assert broad_contrast(Image.fromarray(pixels)) < 0.01
    assert broad_contrast(Image.new("RGB", (768, 768), "teal")) == 0


@pytest.mark.parametrize("name", ["color_blocks", "ink_waves"])
def test_drawing_depends_on_seed_and_size_alone(name: str, draw_paintings: ModuleType) -> None:
    """The same seed gives the same pixels, another seed others."""
    first, again = (np.asarray(draw_paintings.draw(name, 160)) for _ in range(2))
    other = np.asarray(draw_paintings.draw(name, 160, seed=1))
    assert max(first.shape) == 160
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 2


def test_small_and_committed_size_show_the_same_picture(draw_paintings: ModuleType) -> None:
    """What is committed is what the code draws: reduced to its areas, it matches a small redrawing."""
    with Image.open(EXAMPLES / "paintings" / "ink_waves.png") as committed:
        areas = [
            np.asarray(picture.convert("RGB").resize((24, 24), Image.Resampling.BOX), float)
            for picture in (committed, draw_paintings.draw("ink_waves", 256))
        ]
    assert np.corrcoef(areas[0].ravel(), areas[1].ravel())[0, 1] > 0.95


def test_a_wrong_name_says_which_there_are(
    draw_paintings: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit code 2."""
    monkeypatch.setattr("sys.argv", ["draw_paintings.py", "mona_lisa"])
    with pytest.raises(SystemExit, match="2"):
        draw_paintings.main()
    assert "mona_lisa; there are: color_blocks" in capsys.readouterr().err
