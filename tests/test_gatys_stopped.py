"""The optimizer that is stopped, or runs out of memory."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest
from optimizing import LIMIT, OPTIONS, FaintNetwork, paint
from random_pictures import random_picture

from nst_core.compact import CompactNetwork
from nst_core.errors import BudgetError
from nst_core.gatys import Progress, make_plan, optimize
from nst_core.optimizers import Adam, Lbfgs
from nst_core.sources import Sources, Style

pytest_plugins = ["optimizing_fixtures"]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("stop", [4, 6, 9])
def test_resumed_is_the_same_as_never_stopped(
    network: CompactNetwork, sources: Sources, two_scales: None, optimizer, stop: int
):
    options = replace(OPTIONS, optimizer=optimizer)
    whole = paint(network, sources, options)
    plan = make_plan(sources, options, network, LIMIT)
    for _, step in zip(range(stop), optimize(sources, options, network, plan), strict=False):
        stopped = step.progress
    restored: Lbfgs | Adam = Lbfgs(plan.history) if optimizer == "lbfgs" else Adam()
    restored.restore({key: value.clone() for key, value in stopped.optimizer.state().items()})
    progress = Progress(stopped.scale, stopped.iteration, stopped.x.clone(), restored, stopped.seconds)
    rest = paint(network, sources, options, progress)
    assert [(s.scale, s.iteration, s.loss) for s in rest] == [(s.scale, s.iteration, s.loss) for s in whole[stop:]]
    np.testing.assert_array_equal(rest[-1].picture().pixels, whole[-1].picture().pixels)


def test_out_of_memory_it_goes_on_with_smaller_tiles(
    network: CompactNetwork, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    sources = Sources(random_picture(96, 400, 0), (Style(random_picture(80, 64, 1)),))
    options = replace(OPTIONS, size=400, iterations=2)
    whole = paint(network, sources, options)
    monkeypatch.setattr(FaintNetwork, "most_pixels", 96 * 400 - 1)
    with caplog.at_level(logging.WARNING):
        tiled = paint(network, sources, options)
    (record,) = caplog.records
    assert re.fullmatch(r"out of memory: going on with \d+ tiles", record.getMessage())
    assert [s.loss for s in tiled] == pytest.approx([s.loss for s in whole], rel=1e-3)


def test_out_of_memory_with_the_smallest_tiles_is_an_error(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FaintNetwork, "most_pixels", 10)
    with pytest.raises(BudgetError, match="lower --size"):
        paint(network, sources)


def test_other_errors_are_not_taken_for_lack_of_memory(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(FaintNetwork, "features", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        paint(network, sources)
