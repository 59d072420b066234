"""The engine: what the network makes of a picture, all of the picture that comes through, and what is refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_style
from PIL import Image
from toy_style import expected, toy_card, write_model, write_toy_style

from models.card import METADATA_KEY
from models.catalog import Style, read_style
from nst_core.color import rgb_to_lab
from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError
from nst_core.picture import Picture
from serve import engine
from serve.engine import SESSIONS_KEPT, Engine, PaintOptions


@pytest.fixture
def style(tmp_path: Path) -> Style:
    return style_at(tmp_path / "toy.onnx")


@pytest.fixture
def palette(tmp_path: Path) -> Style:
    return style_at(tmp_path / "palette.onnx", paintings=3)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of the networks that are loaded, in order."""
    found: list[Path] = []
    real = engine._open

    def load(style: Style, threads: int) -> Any:
        found.append(style.path)
        return real(style, threads)

    monkeypatch.setattr(engine, "_open", load)
    return found


def style_at(path: Path, paintings: int = 1) -> Style:
    write_toy_style(path, paintings)
    return read_style(path)


def photo(width: int = 60, height: int = 40, kind: type = np.uint8) -> Picture:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (height, width, 3), kind, endpoint=True)
    return Picture(pixels, name="cat.png")


def same(picture: Picture, floats: np.ndarray) -> bool:
    """Whether a picture is what the floats are at its bit depth, but for the rounding of float sums."""
    levels = 2**picture.bit_depth - 1
    return bool(np.abs(picture.pixels - floats * levels).max() < 0.51 + levels * 1e-6)


def test_import_leaves_torch_out():
    code = "import sys, serve.engine; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "onnxruntime" in result.stdout.split()
    assert not {"torch", "torchvision", "pytorch_lightning", "onnx"} & set(result.stdout.split())


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.5])
def test_paints_what_the_network_makes(style: Style, strength: float):
    picture = Engine().stylize(photo(61, 47), style, PaintOptions(strength=strength))
    assert picture.pixels.shape == (47, 61, 3) and picture.pixels.dtype == np.uint8
    assert same(picture, expected(photo(61, 47).as_float(), strength))
    assert (strength == 0) == np.array_equal(picture.pixels, photo(61, 47).pixels)


@pytest.mark.parametrize(("weights", "shares"), [((), (1, 1, 1)), ((1, 3, 0), (1, 3, 0)), ((0, 0, 0.25), (0, 0, 1))])
def test_palette_is_mixed_by_weights(palette: Style, weights: tuple[float, ...], shares: tuple[float, ...]):
    picture = Engine().stylize(photo(), palette, PaintOptions(weights=weights))
    assert same(picture, expected(photo().as_float(), weights=shares))


def test_alpha_exif_and_bit_depth_come_through(style: Style):
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    alpha = np.linspace(0, 65535, 40 * 60).astype(np.uint16).reshape(40, 60)
    deep = replace(photo(kind=np.uint16), alpha=alpha, exif=exif.tobytes())
    picture = Engine().stylize(deep, style, PaintOptions(strength=0.3))
    assert picture.bit_depth == 16 and same(picture, expected(deep.as_float(), 0.3))
    assert picture.alpha is not None and np.array_equal(picture.alpha, alpha)
    assert (picture.exif, picture.name) == (deep.exif, "cat.png")


@pytest.mark.parametrize(("size", "width", "height"), [(0, 60, 48), (45, 45, 36), (120, 120, 96)])
def test_size_is_the_long_side(style: Style, size: int, width: int, height: int):
    source = replace(photo(60, 48), alpha=np.full((48, 60), 200, np.uint8))
    picture = Engine().stylize(source, style, PaintOptions(size=size))
    assert picture.pixels.shape == (height, width, 3)
    assert picture.alpha is not None and (picture.alpha == 200).all() and picture.alpha.shape == (height, width)
    assert same(picture, expected(source.resized(width, height).as_float()))


def test_photos_own_colors(style: Style):
    soft = Picture(100 + photo().pixels // 5)  # colors that sRGB has at any lightness
    painted = Engine().stylize(soft, style)
    kept = Engine().stylize(soft, style, PaintOptions(color="photo"))
    lab, painted_lab, photo_lab = (rgb_to_lab(picture.as_float()) for picture in (kept, painted, soft))
    assert np.abs(lab[..., 0] - painted_lab[..., 0]).max() < 1
    assert np.abs(lab[..., 1:] - photo_lab[..., 1:]).mean() < 1
    assert np.abs(painted_lab[..., 1:] - photo_lab[..., 1:]).mean() > 10


@pytest.mark.parametrize(("width", "height"), [(31, 60), (60, 31), (1, 1)])
def test_too_small_a_picture_is_refused(style: Style, width: int, height: int):
    with pytest.raises(ImageError, match=rf"cat\.png would be painted at {width}x{height} px; each side needs 32 px"):
        Engine().stylize(photo(width, height), style)
    assert Engine().stylize(photo(32, 32), style).width == 32


def test_size_that_makes_the_short_side_too_small_is_refused(style: Style):
    with pytest.raises(ImageError, match="would be painted at 32x16 px"):
        Engine().stylize(photo(80, 40), style, PaintOptions(size=32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -0.1}, "strength must be from 0 to 1.5, not -0.1"),
        ({"strength": 1.6}, "strength must be from 0 to 1.5, not 1.6"),
        ({"strength": float("nan")}, "strength must be from 0 to 1.5, not nan"),
        ({"size": 31}, "size must be 32 px or more, or 0 for the photo's own, not 31"),
        ({"size": -1}, "size must be"),
        ({"weights": (1, 2)}, r"palette holds 3 paintings \(palette_1, palette_2, palette_3\), not 2 weights"),
        ({"weights": (0, 0, 0)}, "weights must be 0 or more, and not all 0"),
        ({"weights": (2, 1, -1)}, "weights must be 0 or more"),
        ({"weights": (1, 1, float("nan"))}, "weights must be 0 or more"),
        ({"weights": (1, 1, float("inf"))}, "weights must be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(palette: Style, options: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        Engine().stylize(photo(), palette, PaintOptions(**options))


def test_weights_for_a_single_painting_are_refused(style: Style):
    with pytest.raises(ConfigError, match="toy holds one painting only; leave the weights out"):
        Engine().stylize(photo(), style, PaintOptions(weights=(1,)))


def test_broken_graph_is_named(tmp_path: Path):
    path = tmp_path / "broken.onnx"
    write_model(path, 1, {METADATA_KEY: toy_card().to_json()}, cut="strength")
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be painted with: .*strength.*; get or export it again"):
        Engine().stylize(photo(), read_style(path))


def test_network_that_is_not_what_the_card_says_is_named(tmp_path: Path):
    path = tmp_path / "other.onnx"
    write_toy_style(path, 1, toy_card(paintings=2))
    with pytest.raises(ModelError, match=r"other\.onnx .*its inputs are photo, strength for 2 paintings"):
        Engine().stylize(photo(), read_style(path))


def test_network_that_makes_no_numbers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(toy_style, "TINTS", np.full((1, 3), np.nan, np.float32))
    with pytest.raises(ModelError, match=r"nan\.onnx cannot be painted with"):
        Engine().stylize(photo(), style_at(tmp_path / "nan.onnx"))


def test_file_that_is_gone_is_named(style: Style):
    style.path.unlink()
    with pytest.raises(ModelError, match=r"toy\.onnx cannot be read: No such file"):
        Engine().stylize(photo(), style)


def test_picture_too_large_for_the_memory_is_said(style: Style, monkeypatch: pytest.MonkeyPatch):
    class Session:
        def run(self, *args: object) -> None:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 123")

    monkeypatch.setattr(engine, "_open", lambda style, threads: Session())
    with pytest.raises(BudgetError, match="60x40 px do not fit into the memory; choose a smaller size"):
        Engine().stylize(photo(), style)


def test_network_is_loaded_once_until_its_file_changes(tmp_path: Path, style: Style, loads: list[Path]):
    painter = Engine()
    before = painter.stylize(photo(), style)
    assert np.array_equal(painter.stylize(photo(), style).pixels, before.pixels)
    assert loads == [style.path]
    changed = style_at(style.path, paintings=2)
    after = painter.stylize(photo(), changed)
    assert loads == [style.path] * 2 and not np.array_equal(after.pixels, before.pixels)


def test_networks_used_last_are_kept(tmp_path: Path, loads: list[Path]):
    painter = Engine()
    found = [style_at(tmp_path / f"{number}.onnx") for number in range(SESSIONS_KEPT + 1)]
    for style in (*found[:-1], found[0], found[-1]):  # the first is used again before the last comes
        painter.stylize(photo(), style)
    assert len(loads) == len(found)
    painter.stylize(photo(), found[0])
    assert len(loads) == len(found)
    painter.stylize(photo(), found[1])
    assert loads[-1] == found[1].path and len(loads) == len(found) + 1


def test_threads_share_an_engine(style: Style, palette: Style, loads: list[Path]):
    painter = Engine(threads=1)
    sizes = [32 + number for number in range(24)]

    def paint(size: int) -> bool:
        chosen = style if size % 2 else palette
        picture = painter.stylize(photo(size, 40), chosen)
        return same(picture, expected(photo(size, 40).as_float(), weights=(1,) if size % 2 else (1, 1, 1)))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(paint, sizes))
    assert sorted(loads) == [palette.path, style.path]
