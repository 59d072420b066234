"""Tile plans: whatever the size, each position belongs to one tile, and each crop has the room it needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_core.errors import BudgetError
from nst_core.tiling import Tile, plan_tiles, smaller_tiles

ALIGN = 16
SIDES = st.integers(32, 1500)
HALOS = st.sampled_from([0, 16, 64, 80])


def smallest_crop(halo: int) -> int:
    return (2 * halo + 12 * ALIGN) ** 2


def place(tile: Tile, stride: int) -> tuple[slice, slice]:
    """Rows and columns of the core in a feature map of the whole."""
    return slice(tile.top // stride, tile.bottom // stride), slice(tile.left // stride, tile.right // stride)


@given(SIDES, SIDES, HALOS, st.integers(0, 1_000_000))
def test_every_position_is_covered_once(height: int, width: int, halo: int, extra: int):
    plan = plan_tiles(height, width, halo, ALIGN, smallest_crop(halo) + extra)
    for stride in (1, 2, 4, 8, 16):
        count = np.zeros((height // stride, width // stride), int)
        for tile in plan.tiles:
            count[place(tile, stride)] += 1
        assert (count == 1).all()


@given(SIDES, SIDES, HALOS, st.integers(0, 1_000_000))
def test_crops_hold_their_cores_with_room_and_stay_within_limit_and_picture(
    height: int, width: int, halo: int, extra: int
):
    limit = smallest_crop(halo) + extra
    plan = plan_tiles(height, width, halo, ALIGN, limit)
    assert plan.crop_pixels <= limit
    for t in plan.tiles:
        assert t.crop_top == max(0, t.top - halo) and t.crop_bottom == min(height, t.bottom + halo)
        assert t.crop_left == max(0, t.left - halo) and t.crop_right == min(width, t.right + halo)
        assert 0 <= t.top < t.bottom <= height and 0 <= t.left < t.right <= width


@given(SIDES, SIDES, HALOS, st.integers(0, 1_000_000))
def test_a_core_is_the_same_place_in_its_crop_and_in_the_picture(height: int, width: int, halo: int, extra: int):
    """A map whose every position holds its own address, pooled as a loss network pools: by whole strides."""
    plan = plan_tiles(height, width, halo, ALIGN, smallest_crop(halo) + extra)
    address = np.arange(height)[:, None] * 10_000 + np.arange(width)
    for stride in (1, 16):
        pooled = address[: height // stride * stride : stride, : width // stride * stride : stride]
        for tile in plan.tiles:
            crop = address[tile.crop_top : tile.crop_bottom, tile.crop_left : tile.crop_right]
            rows, columns = (n // stride * stride for n in crop.shape)
            np.testing.assert_array_equal(
                crop[:rows:stride, :columns:stride][tile.core(stride)], pooled[place(tile, stride)]
            )


@given(SIDES, SIDES, HALOS, st.integers(1, 40_000))
def test_a_tight_limit_is_kept_or_refused(height: int, width: int, halo: int, limit: int):
    try:
        plan = plan_tiles(height, width, halo, ALIGN, limit)
    except BudgetError:
        assert limit < height * width
    else:
        assert plan.crop_pixels <= limit


def test_a_picture_that_fits_is_one_tile():
    plan = plan_tiles(100, 200, 64, ALIGN, 20_000)
    assert plan.whole
    assert plan.crop_pixels == 20_000


def test_no_room_for_a_tile_says_what_to_do():
    with pytest.raises(BudgetError, match="--memory-limit"):
        plan_tiles(2000, 2000, 64, ALIGN, 100 * 100)


@given(SIDES, SIDES, st.sampled_from([64, 80]))
def test_smaller_tiles_get_smaller_until_there_are_none(height: int, width: int, halo: int):
    plan = plan_tiles(height, width, halo, ALIGN, height * width)
    with pytest.raises(BudgetError):
        for _ in range(30):
            smaller = smaller_tiles(plan, halo, ALIGN)
            assert len(smaller.tiles) > len(plan.tiles)
            assert smaller.crop_pixels <= plan.crop_pixels
            plan = smaller
