"""The optimizer that goes on from a picture."""

from dataclasses import replace

import numpy as np
import pytest
from optimizing import LIMIT, OPTIONS, known, paint, pixels
from random_pictures import random_picture

from nst_core import budget
from nst_core.compact import CompactNetwork
from nst_core.errors import ConfigError
from nst_core.gatys import make_plan
from nst_core.sources import Sources, Style

pytest_plugins = ["optimizing_fixtures"]


def test_without_a_word_the_optimizer_is_what_serves_the_start(network: CompactNetwork, sources: Sources):
    stated = replace(sources, styles=(Style(known(network, random_picture(96, 80, 1))),))
    chosen = [
        make_plan(of, replace(OPTIONS, optimizer=asked, start=start), network, LIMIT).optimizer
        for of, asked, start in (
            (sources, "auto", "photo"),
            (stated, "auto", "photo"),
            (replace(sources, draft=sources.photo), "auto", "picture"),
            (stated, "adam", "photo"),
            (sources, "lbfgs", "photo"),
        )
    ]
    assert chosen == ["adam", "lbfgs", "lbfgs", "adam", "lbfgs"]


def test_a_draft_is_gone_on_from_at_its_size_with_all_iterations(
    network: CompactNetwork, sources: Sources, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(budget, "COARSEST_PX", 24)
    monkeypatch.setattr(budget, "FULL_EFFORT_PX", 48)
    steps = paint(network, replace(sources, draft=random_picture(72, 96, 5)), replace(OPTIONS, start="picture"))
    assert [(s.width, s.iteration, s.iterations) for s in steps] == [(96, n, 6) for n in range(1, 7)]


@pytest.mark.parametrize("color", ["painting", "photo", "palette"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_draft_changes_only_where_the_mask_is(network: CompactNetwork, sources: Sources, optimizer, color):
    draft = random_picture(72, 96, 5)
    only = np.zeros((72, 96), np.float32)
    only[20:60, 10:50] = 1
    options = replace(OPTIONS, start="picture", optimizer=optimizer, color=color)
    everywhere = pixels(network, replace(sources, draft=draft), options)
    result = pixels(network, replace(sources, draft=draft, only=only), options)
    np.testing.assert_array_equal(result[only == 0], draft.pixels[only == 0])
    np.testing.assert_array_equal(result[only == 1], everywhere[only == 1])
    assert (result[only == 1] != draft.pixels[only == 1]).mean() > 0.5


def test_where_both_apply_the_photo_is_kept_rather_than_the_draft(network: CompactNetwork, sources: Sources):
    only, protect = np.zeros((2, 72, 96), np.float32)
    only[:, :48] = protect[:36] = 1
    masked = replace(sources, draft=random_picture(72, 96, 5), only=only, protect=protect)
    result = pixels(network, masked, replace(OPTIONS, start="picture"))
    np.testing.assert_array_equal(result[:36], sources.photo.pixels[:36])
    np.testing.assert_array_equal(result[36:, 48:], random_picture(72, 96, 5).pixels[36:, 48:])


def test_a_mask_of_what_to_change_needs_a_draft(network: CompactNetwork, sources: Sources):
    with pytest.raises(ConfigError, match="needs one: --from-style NAME, or --start FILE"):
        paint(network, replace(sources, only=np.ones((72, 96), np.float32)))
