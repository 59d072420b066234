"""The optimizer with paintings of which only statistics are known."""

from dataclasses import replace

import numpy as np
import pytest
from optimizing import OPTIONS, known, paint
from random_pictures import random_picture

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.errors import ConfigError, ModelError
from nst_core.sources import Sources, Style

pytest_plugins = ["optimizing_fixtures"]


def test_known_by_its_gram_matrices_a_painting_is_painted_as_from_its_picture(
    network: CompactNetwork, sources: Sources, two_scales: None
):
    painting = random_picture(96, 80, 1)  # as large as the result asks for, so that it is not resized
    draft = replace(sources, draft=sources.photo)  # all at one scale, as with a known painting
    pictured = paint(network, replace(draft, styles=(Style(painting),)), replace(OPTIONS, start="picture"))
    stated = paint(network, replace(sources, styles=(Style(known(network, painting)),)))
    assert [(s.scale, s.width, s.iteration) for s in stated] == [(0, 96, n) for n in range(1, 7)]
    assert stated[0].parts == pytest.approx(pictured[0].parts, rel=1e-3)
    assert [s.loss for s in stated] == pytest.approx([s.loss for s in pictured], rel=1e-2)


def test_known_paintings_are_mixed_by_shares(network: CompactNetwork, sources: Sources):
    a, b = known(network, random_picture(96, 80, 1)), known(network, random_picture(96, 80, 2))

    def style_loss(*styles: Style) -> float:
        return paint(network, replace(sources, styles=styles), replace(OPTIONS, iterations=1))[0].parts["relu2_1"]

    alone, other = style_loss(Style(a)), style_loss(Style(b))
    assert style_loss(Style(a, 3), Style(b, 1)) == pytest.approx(0.75 * alone + 0.25 * other, rel=1e-4)


def test_a_known_paintings_palette_is_matched(network: CompactNetwork, sources: Sources):
    painting = known(network, random_picture(96, 80, 1, 90, 160))
    muted = replace(sources, photo=random_picture(72, 96, 0, 90, 160), styles=(Style(painting),))
    result = paint(network, muted, replace(OPTIONS, color="palette"))[-1].picture(16).as_float().reshape(-1, 3)
    np.testing.assert_allclose(result.mean(0), painting.color_mean, atol=0.005)
    np.testing.assert_allclose(np.cov(result.T), painting.color_covariance, atol=0.001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "vgg19"}, "network=vgg19"),
        ({"statistics": "wasserstein"}, "statistics=wasserstein"),
        ({"color": "photo"}, "color=photo"),
        ({"color": "palette", "palette_match": "histogram"}, "palette_match=histogram"),
        ({"start": "painting"}, "start=painting"),
        ({"brush_size": 2.0}, "brush_size=2"),
    ],
)
def test_what_needs_the_painting_itself_is_said(network: CompactNetwork, sources: Sources, changes, message):
    styles = (*sources.styles, Style(known(network, random_picture(96, 80, 1))))
    with pytest.raises(ConfigError) as refused:
        paint(network, replace(sources, styles=styles), replace(OPTIONS, **changes))
    assert str(refused.value) == (
        f"{message} needs the painting itself, and the card of waves holds its Gram matrices only; "
        "give the painting's file, or leave that option out"
    )


def test_a_painting_known_to_another_loss_network_is_refused(network: CompactNetwork, sources: Sources):
    narrow = CompactNetwork(CompactOptions(widths=(3,) * 13)).freeze()
    other = replace(sources, styles=(Style(known(narrow, random_picture(96, 80, 1))),))
    with pytest.raises(ModelError, match="waves was learned with another loss network"):
        paint(network, other)
