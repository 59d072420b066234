"""A photobash by the optimizer: each region comes closer to its own painting."""

from pathlib import Path

import numpy as np
import pytest
import torch
from compared_style import write_compared_style, write_network
from random_pictures import random_picture

from models.card import LAYERS
from models.catalog import Style
from nst_core import features
from nst_core.features import LossNetwork
from nst_core.losses import gram_matrix
from nst_core.picture import Picture
from nst_core.tensor import to_tensor
from serve.engine import Engine
from studio.photobash.optimize import Optimizer, optimize_photobash
from studio.photobash.parts import Part, PhotobashOptions
from studio.photobash.photobash import photobash

LIMIT_BYTES = 2_000_000_000


PAINTINGS = [random_picture(64, 64, 1, cell=4), random_picture(64, 64, 2, cell=16)]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LossNetwork:
    file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: file)
    return features.load_network("compact")


@pytest.fixture
def parts(tmp_path: Path, network: LossNetwork) -> list[Part]:
    """The left half in one style, the right half in another."""
    left = np.zeros((48, 64), np.float32)
    left[:, :32] = 1
    styles: list[Style] = [
        write_compared_style(tmp_path / f"style{number}.onnx", [painting], network)
        for number, painting in enumerate(PAINTINGS)
    ]
    return [Part(styles[0], left), Part(styles[1])]


def style_loss(network: LossNetwork, half: Picture, painting: Picture) -> float:
    """Of the Gram matrices, relative to the painting's."""
    with torch.no_grad():
        found, wanted = (network.features(to_tensor(picture), LAYERS) for picture in (half, painting))
        grams = [(gram_matrix(found[layer]), gram_matrix(wanted[layer])) for layer in LAYERS]
        return sum(float(((one - other) ** 2).sum() / (other**2).sum()) for one, other in grams)


def halves(picture: Picture) -> list[Picture]:
    return [Picture(picture.pixels[:, :32]), Picture(picture.pixels[:, 32:])]


def test_each_half_comes_closer_to_its_own_painting(parts: list[Part], network: LossNetwork):
    photo, plain = random_picture(48, 64, 0), PhotobashOptions(palette="none")
    optimizer = Optimizer(network, 12, torch.device("cpu"), LIMIT_BYTES)
    seen: list[float] = []
    better = optimize_photobash(photo, parts, plain, Engine(), optimizer, seen.append)
    fast = photobash(photo, parts, plain, Engine())
    for one, other, painting in zip(halves(better), halves(fast), PAINTINGS, strict=True):
        assert style_loss(network, one, painting) < 0.6 * style_loss(network, other, painting)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_size_bits_and_alpha_are_those_of_the_fast_picture(parts: list[Part], network: LossNetwork):
    photo = random_picture(96, 128, 0).with_bits(16)
    photo = Picture(photo.pixels, np.full((96, 128), 9, np.uint16), None, "cat.png")
    optimizer = Optimizer(network, 2, torch.device("cpu"), LIMIT_BYTES)
    result = optimize_photobash(photo, parts, PhotobashOptions(), Engine(), optimizer)
    assert (result.width, result.height, result.bit_depth) == (128, 96, 16)
    assert result.alpha is not None and (result.alpha == 9).all()


def test_a_part_that_others_cover_is_left_out(parts: list[Part], network: LossNetwork):
    photo = random_picture(48, 64, 0)
    optimizer = Optimizer(network, 3, torch.device("cpu"), LIMIT_BYTES)
    everywhere = Part(parts[1].style, np.ones((48, 64), np.float32))
    covered = Part(parts[0].style, parts[0].mask)
    result = optimize_photobash(photo, [covered, everywhere], PhotobashOptions(palette="none"), Engine(), optimizer)
    plain = photobash(photo, [covered, everywhere], PhotobashOptions(palette="none"), Engine())
    assert style_loss(network, result, PAINTINGS[1]) < style_loss(network, plain, PAINTINGS[1])
