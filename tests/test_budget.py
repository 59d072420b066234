"""Plans: whatever the sizes and limits, what is planned fits, or is refused with what would fit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_core.budget import FEWEST_CORRECTIONS, SMALLEST_PX, Plan, plan_optimization, scale_sizes
from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.errors import BudgetError
from nst_core.features import LossNetwork

NETWORK: LossNetwork = CompactNetwork(CompactOptions(widths=(1,) * 13)).freeze()
SIDES = st.integers(40, 6000)


def plan(width: int, height: int, size: int, limit: int, optimizer: str = "lbfgs", source: int = 0) -> Plan:
    return plan_optimization(NETWORK, width, height, size, 70, optimizer, 12, limit, source)


@given(SIDES, SIDES, st.integers(64, 6000), st.integers(10**7, 10**10), st.sampled_from(["lbfgs", "adam"]))
def test_what_is_planned_fits_or_is_refused(width: int, height: int, size: int, limit: int, optimizer: str):
    try:
        found = plan(width, height, size, limit, optimizer, source=10**6)
    except BudgetError:
        return
    assert found.needed_bytes <= found.limit_bytes == limit
    assert found.history in range(FEWEST_CORRECTIONS, 13) if found.optimizer == "lbfgs" else found.history == 0
    for scale in found.scales:
        for canvas, side in ((scale.tiles.width, scale.width), (scale.tiles.height, scale.height)):
            assert canvas % 16 == 0 and side + 16 <= canvas < side + 32
        assert min(scale.width, scale.height) >= SMALLEST_PX
        assert scale.tiles.crop_pixels * NETWORK.bytes_per_pixel <= limit
        assert scale.iterations >= 1
    assert max(found.scales[-1].width, found.scales[-1].height) == size


@given(SIDES, SIDES, st.integers(512, 6000), st.integers(10**7, 10**8))
def test_a_refusal_names_a_limit_that_serves(width: int, height: int, size: int, limit: int):
    try:
        plan(width, height, size, limit)
    except BudgetError as error:
        if found := re.search(r"needs ([\d.]+) (GB|MB) at the least", str(error)):
            enough = round(float(found[1]) * (1e9 if found[2] == "GB" else 1e6))
            assert limit < enough
            assert plan(width, height, size, enough).needed_bytes <= enough
        else:
            assert min(width, height) * size < SMALLEST_PX * max(width, height) + size


def test_less_memory_means_tiles_then_less_history_then_adam():
    kinds = []
    for limit in (16e9, 4e9, 1.5e9, 0.8e9):
        found = plan(2000, 1500, 2000, int(limit))
        kinds.append((found.optimizer, found.history == 12, found.scales[-1].tiles.whole))
    assert kinds == [("lbfgs", True, True), ("lbfgs", True, False), ("lbfgs", False, False), ("adam", False, False)]


def test_too_little_memory_says_what_to_do():
    with pytest.raises(BudgetError, match="lower --size or raise --memory-limit"):
        plan(4000, 3000, 4000, 10**8)


def test_scales_go_from_coarse_to_fine_by_twos():
    assert scale_sizes(1000, 500, 200) == [(200, 100)]
    assert scale_sizes(1000, 500, 512) == [(256, 128), (512, 256)]
    assert scale_sizes(1000, 500, 1100) == [(275, 138), (550, 275), (1100, 550)]
    assert scale_sizes(300, 3000, 512) == [(51, 512)]
    with pytest.raises(BudgetError, match="raise --size"):
        scale_sizes(100, 3000, 512)


@given(SIDES, SIDES, st.integers(64, 6000))
def test_scales_keep_proportions(width: int, height: int, size: int):
    try:
        sizes = scale_sizes(width, height, size)
    except BudgetError:
        assert min(width, height) * size / max(width, height) < SMALLEST_PX + 1
        return
    for w, h in sizes:
        assert abs(w * height - h * width) <= max(width, height)


def test_larger_scales_get_fewer_iterations():
    assert [s.iterations for s in plan(2048, 2048, 2048, 10**11).scales] == [70, 70, 35, 18]


def test_one_scale_gets_all_iterations():
    (scale,) = plan_optimization(NETWORK, 4000, 3000, 2048, 70, "adam", 12, 10**11, 0, one_scale=True).scales
    assert (scale.width, scale.height, scale.iterations) == (2048, 1536, 70)
    assert scale.views == len(NETWORK.views())


def test_one_view_is_the_network_as_it_is():
    (scale,) = plan_optimization(NETWORK, 96, 96, 96, 70, "adam", 12, 10**10, 0, one_view=True).scales
    assert scale.views == 1


def test_plan_reads_as_a_sentence():
    assert str(plan(1000, 500, 512, 10**10)).startswith(
        "512x256 px, scales 256, 512 px, L-BFGS with 12 corrections, undivided; about "
    )
    assert re.search(r"Adam, in \d+ tiles", str(plan(2000, 1500, 2000, 8 * 10**8)))
