"""The engine: what the network makes of a picture, all of the picture that comes through, and what is refused."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import toy_style
from PIL import Image
from skimage.metrics import structural_similarity
from toy_style import expected, toy_card, write_model, write_toy_style

from models.card import METADATA_KEY
from models.catalog import Style, find_style, read_style
from nst_core.color import rgb_to_lab
from nst_core.color_transfer import color_statistics
from nst_core.errors import BudgetError, ImageError, ModelError
from nst_core.picture import Picture
from serve import engine, providers
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions, Network, Provider
from serve.style_network import StyleNetwork
from serve.work import Progress


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
    real = engine.StyleNetwork

    def load(style: Style, provider: Provider) -> StyleNetwork:
        found.append(style.path)
        return real(style, provider)

    monkeypatch.setattr(engine, "StyleNetwork", load)
    return found


def style_at(path: Path, paintings: int = 1, size_px: int = 64) -> Style:
    """A style whose strokes are those of pictures as large as the photos here, which are thus painted at their size."""
    write_toy_style(path, card=toy_card(path.stem, paintings, size_px=size_px), paintings=paintings)
    return read_style(path)


def photo(width: int = 64, height: int = 40, kind: type = np.uint8) -> Picture:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (height, width, 3), kind, endpoint=True)
    return Picture(pixels, name="cat.png")


def same(picture: Picture, floats: np.ndarray) -> bool:
    """Whether a picture is what the floats are at its bit depth, but for the rounding of float sums."""
    levels = 2**picture.bit_depth - 1
    return bool(np.abs(picture.pixels - floats * levels).max() < 0.51 + levels * 1e-6)


def test_retouch_comes_between_strokes_and_detail(style: Style):
    seen: list[tuple[Picture, Picture]] = []
    shares: list[float] = []

    class Lighter:
        work = 3.0

        def __call__(self, photo: Picture, painted: Picture, tell: Progress) -> Picture:
            seen.append((photo, painted))
            tell(0.5)
            return replace(painted, pixels=painted.pixels // 2 + 128)

    source = photo(128, 80)
    plain = Engine().stylize(source, style)
    light = Engine().stylize(source, style, progress=shares.append, retouch=Lighter())
    ((small, painted),) = seen
    assert np.array_equal(small.pixels, source.resized(64, 40).pixels) and same(painted, expected(small.as_float()))
    assert shares == sorted(shares) and shares[-1] == 1 and len(set(shares)) == len(shares)
    lighter = light.pixels.astype(float) - plain.pixels
    wanted = (128 - painted.pixels / 2).mean()
    assert lighter.mean() == pytest.approx(wanted, rel=0.1) and wanted > 30


def test_import_leaves_torch_out():
    code = "import sys, serve.engine; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "onnxruntime" in result.stdout.split()
    assert not {"torch", "torchvision", "pytorch_lightning", "onnx"} & set(result.stdout.split())


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.5])
def test_paints_what_the_network_makes(style: Style, strength: float):
    picture = Engine().stylize(photo(64, 47), style, PaintOptions(strength=strength))
    assert picture.pixels.shape == (47, 64, 3) and picture.pixels.dtype == np.uint8
    assert same(picture, expected(photo(64, 47).as_float(), strength))
    assert (strength == 0) == np.array_equal(picture.pixels, photo(64, 47).pixels)


@pytest.mark.parametrize(("weights", "shares"), [((), (1, 1, 1)), ((1, 3, 0), (1, 3, 0)), ((0, 0, 0.25), (0, 0, 1))])
def test_palette_is_mixed_by_weights(palette: Style, weights: tuple[float, ...], shares: tuple[float, ...]):
    picture = Engine().stylize(photo(), palette, PaintOptions(weights=weights))
    assert same(picture, expected(photo().as_float(), weights=shares))


def test_alpha_exif_and_bit_depth_come_through(style: Style):
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    alpha = np.linspace(0, 65535, 40 * 64).astype(np.uint16).reshape(40, 64)
    deep = replace(photo(kind=np.uint16), alpha=alpha, exif=exif.tobytes())
    picture = Engine().stylize(deep, style, PaintOptions(strength=0.3))
    assert picture.bit_depth == 16 and same(picture, expected(deep.as_float(), 0.3))
    assert picture.alpha is not None and np.array_equal(picture.alpha, alpha)
    assert (picture.exif, picture.name) == (deep.exif, "cat.png")


@pytest.mark.parametrize(("size", "width", "height"), [(0, 60, 48), (45, 45, 36), (120, 120, 96)])
def test_size_is_the_long_side(tmp_path: Path, size: int, width: int, height: int):
    style = style_at(tmp_path / "sized.onnx", size_px=width)
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


def test_broken_graph_is_named(tmp_path: Path):
    path = tmp_path / "broken.onnx"
    write_model(path, 1, {METADATA_KEY: toy_card().to_json()}, cut="strength")
    with pytest.raises(
        ModelError, match=r"broken\.onnx cannot be painted with: its inputs are photo .*; get or export"
    ):
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
    def network(wanted: object, feeds: object) -> list[np.ndarray]:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 123")

    monkeypatch.setitem(providers._OPENERS, "cpu", lambda options, model: network)
    with pytest.raises(BudgetError, match="64x40 px do not fit into the memory; choose a smaller size"):
        Engine().stylize(photo(), style)


def test_network_is_loaded_once_until_its_file_changes(tmp_path: Path, style: Style, loads: list[Path]):
    painter = Engine()
    before = painter.stylize(photo(), style)
    assert np.array_equal(painter.stylize(photo(), style).pixels, before.pixels)
    assert loads == [style.path]
    changed = style_at(style.path, paintings=2)
    after = painter.stylize(photo(), changed)
    assert loads == [style.path] * 2 and not np.array_equal(after.pixels, before.pixels)


def test_networks_used_last_are_kept(tmp_path: Path, loads: list[Path], monkeypatch: pytest.MonkeyPatch):
    painter = Engine()
    found = [style_at(tmp_path / f"{number}.onnx") for number in range(4)]
    held = StyleNetwork(found[0], painter.provider).held_bytes
    assert held == found[0].path.stat().st_size * 25
    monkeypatch.setattr(engine, "NETWORKS_BYTES", 3.5 * held)
    for style in (*found[:-1], found[0], found[-1]):  # the first is used again before the last comes
        painter.stylize(photo(), style)
    assert len(loads) == len(found)
    painter.stylize(photo(), found[0])
    assert len(loads) == len(found)
    painter.stylize(photo(), found[1])
    assert loads[-1] == found[1].path and len(loads) == len(found) + 1


def test_threads_share_an_engine(style: Style, palette: Style, loads: list[Path]):
    painter = Engine()
    sizes = [32 + number for number in range(24)]

    def paint(size: int) -> bool:
        chosen = style if size % 2 else palette
        picture = painter.stylize(photo(64, size), chosen)
        return same(picture, expected(photo(64, size).as_float(), weights=(1,) if size % 2 else (1, 1, 1)))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(paint, sizes))
    assert sorted(loads) == [palette.path, style.path]


@pytest.fixture
def real() -> Style:
    return find_style("starry_night")


def scene(width: int, height: int) -> Picture:
    """A photo of that size, in proportion to itself."""
    return Picture(skimage.data.coffee()[:400, :600], name="coffee.png").resized(width, height)


def similarity(a: Picture, b: Picture) -> float:
    return float(structural_similarity(a.as_float(), b.as_float(), channel_axis=-1, data_range=1))  # type: ignore[arg-type]


@pytest.mark.parametrize("brush", [0.5, 1.0, 2.0])
def test_a_preview_shows_what_the_print_shows(real: Style, brush: float):
    painter = Engine()
    preview = painter.stylize(scene(1800, 1200), real, PaintOptions(size=500, brush_size=brush))
    large = painter.stylize(scene(1800, 1200), real, PaintOptions(brush_size=brush))
    assert similarity(large.resized(preview.width, preview.height), preview) > 0.9


def test_brush_size_is_seen(real: Style):
    usual, finer = (
        Engine().stylize(scene(900, 600), real, PaintOptions(size=512, brush_size=brush)) for brush in (1.0, 0.5)
    )
    assert similarity(finer, usual) < 0.9


@pytest.mark.parametrize(
    ("size", "brush", "levels"),
    [
        (512, 1.0, [512]),
        (520, 1.0, [512]),  # near enough
        (300, 1.0, [512]),
        (300, 0.25, [2048]),
        (600, 1.0, [512, 1024]),  # the detail that a larger result has, too
        (1000, 2.0, [256, 512, 1024]),
        (1200, 1.0, [512, 1200]),
        (1200, 4.0, [128, 256, 512, 1200]),
        (4000, 1.0, [512, 1024, 2048, 4000]),
    ],
)
def test_plan(real: Style, size: int, brush: float, levels: list[int]):
    plan = Engine().plan(scene(1200, 800), real, PaintOptions(size=size, brush_size=brush))
    assert plan.size[0] == size and [width for width, _ in plan.levels] == levels
    assert all(height == round(width * 2 / 3) for width, height in plan.levels)


def test_strokes_of_a_narrow_picture_still_fit_the_network(real: Style):
    plan = Engine().plan(Picture(np.zeros((40, 2000, 3), np.uint8)), real)
    assert plan.levels[0] == (1600, 32)


def test_less_detail_where_the_memory_is_short(real: Style):
    painter = Engine(memory_limit=750_000_000)
    large = Picture(np.zeros((2000, 3000, 3), np.uint8))
    plan = painter.plan(large, real)
    assert 1000 < plan.levels[-1][0] < 3000 and plan.peak_bytes <= 750_000_000
    assert Engine(memory_limit=2_000_000_000).plan(large, real).levels[-1] == (3000, 2000)
    with pytest.raises(BudgetError, match=r"3000x2000 px take 0\.6 GB at least, of 0\.4 GB; choose a smaller size"):
        Engine(memory_limit=400_000_000).plan(large, real)


def test_palette_gives_the_paintings_colors(palette: Style):
    picture = Engine().stylize(photo(64, 64), palette, PaintOptions(color="palette", weights=(1, 1, 2), strength=0.2))
    mean, covariance = color_statistics(picture.as_float())
    card = palette.card.paintings[0]  # the toy's paintings are all of the same colors
    assert np.allclose(mean, card.color_mean, atol=0.02)
    assert np.allclose(covariance, card.color_covariance, atol=0.01)


def test_palette_of_several_paintings_is_that_of_all_their_points(palette: Style):
    paintings = palette.card.paintings
    changed = replace(paintings[1], color_mean=(0.1, 0.9, 0.5))
    style = replace(palette, card=replace(palette.card, paintings=(paintings[0], changed, paintings[2])))
    mean, covariance = style.card.palette((0.25, 0.75, 0))
    random = np.random.default_rng(0)
    sizes = ((paintings[0], 100_000), (changed, 300_000))
    points = np.vstack([random.multivariate_normal(p.color_mean, p.color_covariance, n) for p, n in sizes])
    assert np.allclose(mean, points.mean(0), atol=2e-3) and np.allclose(covariance, np.cov(points.T), atol=2e-3)


def test_progress_rises_and_can_end_the_painting(real: Style):
    told: list[float] = []
    Engine().stylize(scene(1800, 1200), real, progress=told.append)
    assert told == sorted(told) and told[-1] == 1 and len(told) > 5

    class Enough(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.3:
            raise Enough

    with pytest.raises(Enough):
        Engine().stylize(scene(1800, 1200), real, progress=stop)


def test_strength_0_is_the_photo(real: Style):
    source = scene(700, 467)
    assert np.array_equal(Engine().stylize(source, real, PaintOptions(strength=0)).pixels, source.pixels)


def test_out_of_memory_it_goes_on_in_smaller_tiles(real: Style, monkeypatch: pytest.MonkeyPatch):
    source, finest = scene(1800, 1200), PaintOptions(brush_size=real.card.size_px / 1800)
    wanted = Engine().stylize(source, real, finest)
    open_network, largest = providers._OPENERS["cpu"], []

    def opener(options: ComputeOptions, model: bytes) -> Network:
        network = open_network(options, model)

        def compute(wanted: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            pixels = feeds["photo"].size // 3 if "photo" in feeds else 0
            if pixels > 600_000:
                raise MemoryError
            largest.append(pixels)
            return network(wanted, feeds)

        return compute

    monkeypatch.setitem(providers._OPENERS, "cpu", opener)
    picture = Engine().stylize(source, real, finest)
    assert 100_000 < max(largest) <= 600_000
    assert np.abs(picture.pixels.astype(int) - wanted.pixels).max() <= 1
