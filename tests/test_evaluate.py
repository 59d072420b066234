"""One definition of losses, and which of an optimizer's iterations a picture equals."""

from dataclasses import replace

import pytest
import torch
from random_pictures import random_picture

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.evaluate import EqualIterations, Losses, Yardstick, equal_iterations
from nst_core.gatys_options import GatysOptions
from nst_core.picture import Picture
from nst_core.sources import Sources, Style
from nst_core.tensor import to_tensor
from nst_core.tiling import canvas_margins
from nst_core.vgg import LAYERS

OPTIONS = GatysOptions(size=128, content_weight=0.6, tv_weight=0.3, layer_weights=(1.0, 2.0, 0.5, 1.0, 1.0))


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(CompactOptions(widths=(4,) * 13)).freeze()


PHOTO, PAINTING, PAINTED = random_picture(128, 128, 0), random_picture(128, 128, 1), random_picture(128, 128, 2)
SOURCES = Sources(PHOTO, (Style(PAINTING),))


def by_hand(network: CompactNetwork, picture: Picture) -> Losses:
    """Gatys' losses as the paper has them, relative."""
    features = [network.features(x) for x in (mirrored(picture), to_tensor(PAINTING, "cpu"), mirrored(PHOTO))]
    layers = {}
    for layer in network.layers:
        painted, wanted = (gram(f[layer], network.heads[layer]) for f in features[:2])
        layers[layer] = float((painted - wanted).square().sum() / wanted.square().sum())
    head = network.heads["relu4_1"]
    mine, photo = (torch.einsum("ij,bjhw->bihw", head, f["relu4_1"]) for f in (features[0], features[2]))
    content = float((mine - photo).square().sum() / photo.square().sum())
    x = to_tensor(picture, "cpu")
    tv = float((x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()) / x.numel())
    weights = dict(zip(LAYERS, OPTIONS.layer_weights, strict=True))
    total = sum(weights[k] * v for k, v in layers.items()) + 0.6 * content + 0.3 * tv
    return Losses("compact", total, sum(layers.values()), content, tv, layers)


def mirrored(picture: Picture) -> torch.Tensor:
    """With the margins in which the picture's border is seen as often as the rest."""
    margins = canvas_margins(picture.height, picture.width, 16)
    return torch.nn.functional.pad(to_tensor(picture, "cpu"), margins, mode="reflect")


def gram(f: torch.Tensor, head: torch.Tensor | None) -> torch.Tensor:
    assert head is not None
    flat = (head @ f[0].flatten(1)).double()
    return flat @ flat.mT / flat.shape[1]


def test_losses_are_those_of_the_paper(network: CompactNetwork):
    found, wanted = Yardstick(SOURCES, OPTIONS, network).losses(PAINTED), by_hand(network, PAINTED)
    assert found.network == "compact"
    assert found.tv == pytest.approx(wanted.tv, rel=1e-4)
    assert found.content == pytest.approx(wanted.content, rel=1e-4)
    assert found.layers == pytest.approx(wanted.layers, rel=1e-3)
    assert (found.total, found.style) == pytest.approx((wanted.total, wanted.style), rel=1e-3)


def test_photo_and_painting_are_ideals(network: CompactNetwork):
    yardstick = Yardstick(SOURCES, OPTIONS, network)
    assert yardstick.losses(PHOTO).content == pytest.approx(0, abs=1e-9)
    painting, photo = yardstick.losses(PAINTING), yardstick.losses(PHOTO)
    assert painting.content > 0.01
    # Its border is mirrored where it is measured, and not where it is the aim, which at 128 px only relu5_1 minds.
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1"):
        assert painting.layers[layer] < 0.1 * photo.layers[layer]


def test_pictures_of_any_size_are_compared_at_one(network: CompactNetwork):
    yardstick = Yardstick(SOURCES, OPTIONS, network)
    assert (yardstick.width, yardstick.height) == (128, 128)
    large = Picture(PAINTED.pixels).resized(512, 512)
    assert yardstick.losses(large).total == pytest.approx(yardstick.losses(PAINTED).total, rel=0.05)


def test_the_options_iterations_do_not_matter(network: CompactNetwork):
    losses = [Yardstick(SOURCES, replace(OPTIONS, iterations=n), network).losses(PAINTED).total for n in (1, 50)]
    assert losses[0] == losses[1]


CURVE = [(0, 8.0), (1, 4.0), (2, 5.0), (3, 2.0), (4, 1.0)]


@pytest.mark.parametrize(
    ("loss", "standing", "iterations"),
    [
        (6.0, "on the curve", 0.5),
        (4.0, "on the curve", 1.0),
        (
            3.0,
            "on the curve",
            2.0,
        ),  # the worse second iteration counts as the first, from which a line goes to the third
        (1.0, "on the curve", 4.0),
        (0.9, "beyond the curve", 4),
        (8.0, "not comparable", None),
        (9.0, "not comparable", None),
        (float("nan"), "not comparable", None),
    ],
)
def test_equal_iterations(loss: float, standing: str, iterations: float | None):
    assert equal_iterations(loss, CURVE) == EqualIterations(standing, iterations)  # type: ignore[arg-type]


def test_equal_iterations_without_a_curve():
    assert equal_iterations(1.0, []).standing == "not comparable"
    assert equal_iterations(1.0, [(0, 8.0)]) == EqualIterations("beyond the curve", 0)


def test_equal_iterations_say_how_they_stand():
    texts = [str(equal_iterations(loss, CURVE)) for loss in (3.0, 0.5, 9.0)]
    assert texts == ["2", "more than 4", "not comparable"]
