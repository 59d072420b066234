"""The optimizer's curve: computed once, kept, gone on with."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_pictures import random_picture

from nst_core import curve as module
from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.curve import Curve
from nst_core.errors import BudgetError, ImageError, NstError
from nst_core.evaluate import Yardstick
from nst_core.gatys_options import GatysOptions
from nst_core.sources import Sources, Style

OPTIONS = GatysOptions(size=64, history=4)


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(CompactOptions(widths=(4,) * 13)).freeze()


SOURCES = Sources(random_picture(48, 64, 0), (Style(random_picture(64, 64, 1)),))


@pytest.fixture
def opened(network: CompactNetwork) -> Iterator[Any]:
    """Opens the curve, as another run of the program would."""
    yield lambda sources=SOURCES, options=OPTIONS, **more: Curve(sources, options, network, "ab" * 32, **more)


def test_goes_down_from_what_it_began_with(opened: Any, network: CompactNetwork):
    curve: Curve = opened()
    steps = list(curve.grow(25))
    assert [step.point.iteration for step in steps] == list(range(26)) and curve.iterations == 25
    photo = Yardstick(SOURCES, OPTIONS, network).losses(SOURCES.photo)
    assert curve.points[0].losses.total == pytest.approx(photo.total, rel=1e-6)
    assert curve.points[25].losses.total < 0.7 * photo.total
    assert all(a.seconds <= b.seconds for a, b in zip(curve.points, curve.points[1:], strict=False))
    assert curve.peak_bytes > 0
    for iteration in (0, 10, 25):
        picture = curve.picture(iteration)
        best = min(point.losses.total for point in curve.points[: iteration + 1])
        measured = Yardstick(SOURCES, OPTIONS, network).losses(picture).total
        assert measured == pytest.approx(best, rel=0.02)  # but for 256 levels


def test_is_computed_once(opened: Any, monkeypatch: pytest.MonkeyPatch):
    first: Curve = opened()
    list(first.grow(25))
    monkeypatch.setattr(module, "optimize", lambda *_, **__: pytest.fail("computes again"))
    again: Curve = opened()
    assert [point.losses for point in again.points] == [point.losses for point in first.points]
    assert again.points[25].seconds == pytest.approx(first.points[25].seconds, abs=1e-3)
    assert again.peak_bytes == first.peak_bytes
    assert list(again.grow(25)) == list(again.grow(10)) == []
    assert not list(again.folder.glob("*.safetensors"))  # the state of a finished one would be large


def test_goes_on_where_it_was_stopped(opened: Any, monkeypatch: pytest.MonkeyPatch):
    whole: Curve = opened()
    list(whole.grow(25))
    wanted = [point.losses.total for point in whole.points]
    whole.forget()
    assert not whole.folder.exists()
    steps = opened().grow(25)
    list(islice(steps, 12))
    steps.close()
    again: Curve = opened()
    assert again.iterations == 11
    assert [step.point.iteration for step in again.grow(25)] == list(range(12, 26))
    assert [point.losses.total for point in again.points] == pytest.approx(wanted, rel=1e-5)


def test_begins_anew_where_what_is_kept_is_broken(opened: Any):
    steps = opened().grow(25)
    list(islice(steps, 12))
    steps.close()
    broken: Curve = opened()
    (broken.folder / "state.safetensors").write_bytes(b"broken")
    assert len(list(broken.grow(25))) == 26
    (broken.folder / "curve.json").write_text("{")
    (broken.folder / "00010.png").unlink()
    assert opened().iterations == -1
    assert len(list(opened().grow(10))) == 11


def test_starts_differ_and_have_their_own_places(opened: Any):
    draft = random_picture(48, 64, 5)
    curves: list[Curve] = [
        opened(),
        opened(options=replace(OPTIONS, start="noise")),
        opened(Sources(SOURCES.photo, SOURCES.styles, draft=draft), replace(OPTIONS, start="picture")),
        opened(Sources(SOURCES.photo, SOURCES.styles, None, draft, 0.25), replace(OPTIONS, start="picture")),
        opened(options=replace(OPTIONS, content_weight=2.0)),
        opened(Sources(random_picture(48, 64, 7), SOURCES.styles)),
    ]
    assert len({curve.folder for curve in curves}) == 6
    assert opened(options=replace(OPTIONS, iterations=7, optimizer="adam")).folder == curves[0].folder
    list(curves[2].grow(10))
    assert np.abs(curves[2].picture(0).as_float() - draft.as_float()).max() < 0.01
    list(curves[3].grow(0))
    mixed = 0.25 * draft.as_float() + 0.75 * SOURCES.photo.as_float()
    assert np.abs(curves[3].picture(0).as_float() - mixed).max() < 0.01


def test_one_that_does_not_fit_is_refused_at_once(opened: Any):
    with pytest.raises(BudgetError, match="64x48 px"):
        opened(limit_bytes=20_000_000)


def test_pictures_that_are_not_kept(opened: Any):
    curve: Curve = opened()
    list(curve.grow(10))
    with pytest.raises(ImageError, match=r"00025\.png does not exist"):
        curve.picture(25)


def test_a_cache_that_cannot_be_written_is_named(opened: Any, cache_folder: Path):
    cache_folder.write_text("a file")
    with pytest.raises(NstError, match=r"cannot write .* choose another folder \(.*IMPASTO_CACHE_DIR names it\)"):
        list(opened().grow(10))
