"""The regions that styles are given to, where no masks are."""

from pathlib import Path

import numpy as np
import pytest
from random_pictures import random_picture
from scipy.ndimage import label
from toy_style import write_toy_style

from models.catalog import Style, read_style
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import Picture
from studio.photobash.assign import assign
from studio.photobash.regions import large_regions

HEIGHT, WIDTH = 120, 160


@pytest.fixture
def styles(tmp_path: Path) -> list[Style]:
    for name in "abc":
        write_toy_style(tmp_path / f"{name}.onnx")
    return [read_style(tmp_path / f"{name}.onnx") for name in "abc"]


def landscape() -> tuple[Picture, np.ndarray]:
    """A photo of sky, hills and water, with noise, and which of these each pixel is: 0, 1, 2 by area."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    truth = np.where(rows < 62 + 8 * np.sin(columns / 20), 0, np.where(rows < 98, 1, 2))
    colors = np.array([[150, 190, 230], [60, 110, 50], [40, 60, 120]])[truth]
    noise = np.random.default_rng(0).normal(0, 8, colors.shape)
    return Picture(np.clip(colors + noise, 0, 255).astype(np.uint8), name="bay.png"), truth


def test_the_regions_are_what_the_eye_sees_the_largest_first():
    photo, truth = landscape()
    masks = large_regions(photo, 3)
    for number, mask in enumerate(masks):
        right = truth == number
        assert (right & (mask == 1)).sum() / (right | (mask == 1)).sum() > 0.9
    assert [round(float(mask.mean()), 1) for mask in masks] == [0.5, 0.3, 0.2]


def test_regions_cover_the_photo_once_and_are_in_one_piece():
    photo = random_picture(HEIGHT, WIDTH, 1, cell=13)
    masks = large_regions(photo, 5)
    assert len(masks) == 5 and (np.sum(masks, axis=0) == 1).all()
    assert [label(mask)[1] for mask in masks] == [1] * 5  # pyright: ignore
    assert all((one == other).all() for one, other in zip(masks, large_regions(photo, 5), strict=True))


def test_texture_parts_what_color_does_not():
    gray = np.full((HEIGHT, WIDTH), 128.0)
    gray[:, 80:] += np.random.default_rng(0).normal(0, 40, (HEIGHT, 80))
    calm, busy = sorted(large_regions(Picture(np.dstack([gray.clip(0, 255)] * 3).astype(np.uint8)), 2), key=first_half)
    assert first_half(busy) > 0.9 and first_half(calm) < 0.1


def first_half(mask: np.ndarray) -> float:
    return float(mask[:, :80].mean())


def test_styles_take_turns_where_regions_are_more(styles: list[Style]):
    photo, _ = landscape()
    masks = large_regions(photo, 5)
    parts = assign(photo, styles[:2], 5)
    assert [part.style.name for part in parts] == ["a", "b"]
    assert (parts[0].mask == masks[0] + masks[2] + masks[4]).all() and (parts[1].mask == masks[1] + masks[3]).all()
    by_default = assign(photo, styles)
    assert [int(part.mask.sum()) for part in by_default if part.mask is not None] == [
        int(mask.sum()) for mask in large_regions(photo, 3)
    ]


def test_of_two_styles_the_first_paints_the_subject(styles: list[Style]):
    pytest.importorskip("cv2")
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = (rows - 60) ** 2 + (columns - 80) ** 2 < 30**2
    colors = np.where(disc[..., None], (220, 40, 30), (90, 130, 120)) + np.random.default_rng(0).normal(
        0, 6, (HEIGHT, WIDTH, 3)
    )
    first, second = assign(Picture(np.clip(colors, 0, 255).astype(np.uint8)), styles[:2])
    assert second.mask is None and first.mask is not None
    assert first.mask[disc].mean() > 0.9 and first.mask[~disc].mean() < 0.1


@pytest.mark.parametrize(
    ("count", "regions", "message"),
    [
        (3, "subject", "for two styles, not 3"),
        (3, 2, "2 regions are too few for 3 styles"),
        (2, 1, "2 to 12 regions, not 1"),
        (2, 13, "2 to 12 regions, not 13"),
    ],
)
def test_regions_and_styles_that_do_not_fit_are_refused(styles: list[Style], count: int, regions, message: str):
    with pytest.raises(ConfigError, match=message):
        assign(landscape()[0], styles[:count], regions)


def test_a_photo_without_a_subject_says_so(styles: list[Style]):
    pytest.importorskip("cv2")
    with pytest.raises(ImageError, match=r"fog\.png has no clear subject; ask for large regions, or give masks"):
        assign(Picture(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), name="fog.png"), styles[:2], "subject")
