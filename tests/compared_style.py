"""A style whose card holds the Gram matrices of a real picture, for the tests that go by them."""

from dataclasses import replace
from pathlib import Path

import torch
from toy_style import painting_card, toy_card, write_toy_style

from models.card import PaintingCard, pack_gram
from models.catalog import Style, read_style
from nst_core.color_transfer import color_statistics
from nst_core.compact import CompactNetwork, CompactOptions, save_compact
from nst_core.features import LossNetwork
from nst_core.losses import gram_matrix
from nst_core.picture import Picture
from nst_core.tensor import to_tensor

WIDTHS = (8, 8, 12, 8, 12, 8, 8, 8, 12, 8, 8, 8, 16)
"""Of a small loss network of random weights none of whose layers is dead."""
LOSSES = {"content": 0.6, "tv": 0.1} | {f"style.relu{stage}_1": 1.0 for stage in range(1, 6)}


def write_network(path: Path) -> Path:
    """Writes the small loss network."""
    torch.manual_seed(0)
    save_compact(CompactNetwork(CompactOptions(widths=WIDTHS)), path, {})
    return path


def write_compared_style(path: Path, paintings: list[Picture], network: LossNetwork, size_px: int = 64) -> Style:
    """Writes a toy network whose card knows these paintings as they are, through this loss network."""
    cards = tuple(_card(f"painting_{number}", p, network) for number, p in enumerate(paintings, 1))
    card = replace(toy_card(path.stem, len(paintings)), paintings=cards, losses=LOSSES, size_px=size_px)
    write_toy_style(path, len(paintings), card)
    return read_style(path)


def _card(name: str, painting: Picture, network: LossNetwork) -> PaintingCard:
    with torch.no_grad():
        found = network.features(to_tensor(painting, "cpu"))
    grams = {layer: pack_gram(gram_matrix(f)[0].numpy()) for layer, f in found.items()}
    mean, covariance = color_statistics(painting.as_float())
    colors = {"color_mean": tuple(mean.tolist()), "color_covariance": tuple(map(tuple, covariance.tolist()))}
    return replace(painting_card(name), gram=grams, **colors)
