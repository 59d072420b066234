"""What ships in checkpoints/: whole, small, with complete cards, and painting."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from models.card import StyleCard
from models.catalog import Style, read_style, shipped_folder
from models.registry import load_network
from nst_core.picture import Picture
from serve.engine import Engine
from serve.paint_options import PaintOptions

STYLES = [read_style(path) for path in sorted(shipped_folder().glob("*.onnx"))]


def each_style(function):
    return pytest.mark.parametrize("style", STYLES, ids=[style.name for style in STYLES])(function)


@pytest.fixture(scope="module")
def photo() -> Picture:
    return Picture(np.ascontiguousarray(skimage.data.chelsea()[40:200, 60:260]))


def test_there_are_twelve_and_a_palette_in_forty_megabytes():
    assert len(STYLES) >= 13
    assert [len(style.card.paintings) for style in STYLES if len(style.card.paintings) > 1] == [6]
    sizes = [path.stat().st_size for path in shipped_folder().rglob("*") if path.is_file()]
    assert sum(sizes) <= 40e6


@each_style
def test_file_is_small_and_its_card_complete(style: Style):
    card: StyleCard = style.card
    assert style.path.stat().st_size <= 2e6
    assert card.name == style.name and card.network == "swift" and card.loss_network == "compact"
    assert card.photos.count >= 200 and card.steps >= 100 and card.seconds > 60
    assert {"style", "content", "J"} <= card.figures.keys()
    for painting in card.paintings:
        assert painting.license in ("public domain", "Apache-2.0") and painting.artist != "unknown"
        assert len(painting.grams()) == 5


@each_style
def test_strength_goes_from_the_photo_to_the_painting(style: Style, photo: Picture):
    engine, before = Engine(), photo.as_float()
    results = [engine.stylize(photo, style, PaintOptions(strength=s)).as_float() for s in (0.0, 0.5, 1.0, 1.5)]
    assert np.abs(results[0] - before).max() < 0.01
    changes = [np.abs(result - before).mean() for result in results]
    assert changes == sorted(changes) and changes[2] > 0.04
    assert all(result.std() > 0.08 for result in results)


@each_style
def test_sample_is_what_the_style_paints(style: Style):
    sample = np.asarray(Image.open(shipped_folder() / "samples" / f"{style.name}.png").convert("RGB")) / 255
    chelsea = Picture(skimage.data.chelsea()).resized(sample.shape[1], sample.shape[0])
    assert max(sample.shape) == 256
    assert np.abs(Engine().stylize(chelsea, style).as_float() - sample).mean() < 0.01


def test_palette_paints_each_of_its_paintings_otherwise(photo: Picture):
    (palette,) = (style for style in STYLES if len(style.card.paintings) > 1)
    engine, count = Engine(), len(palette.card.paintings)
    painted = [
        engine.stylize(photo, palette, PaintOptions(weights=tuple(float(i == j) for j in range(count)))).as_float()
        for i in range(count)
    ]
    differences = [np.abs(a - b).mean() for i, a in enumerate(painted) for b in painted[:i]]
    assert min(differences) > 0.03


def test_base_is_a_swift_network_of_many_paintings():
    name, network = load_network(Path(shipped_folder()) / "base" / "swift.safetensors")
    assert name == "swift" and network.paintings >= 20
