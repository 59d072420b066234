"""What the tests of optimizer and fast networks together share: styles whose cards know real paintings."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from toy_style import painting_card, toy_card, write_toy_style

from models.card import LAYERS, pack_gram
from models.catalog import find_style
from nst_core.evaluate import Yardstick
from nst_core.features import load_network
from nst_core.losses import gram_matrix
from nst_core.picture import read_picture
from nst_core.sources import Sources, Style
from nst_core.tensor import to_tensor
from serve.engine import Engine
from serve.paint_options import PaintOptions


def write_style(path: Path, paintings: Sequence[str]) -> None:
    """A toy style whose card holds the statistics of real paintings."""
    network = load_network("compact")
    cards = []
    for name in paintings:
        features = network.features(to_tensor(read_picture(name)), LAYERS)
        gram = {layer: pack_gram(gram_matrix(f)[0].numpy()) for layer, f in features.items()}
        cards.append(replace(painting_card(Path(name).stem), gram=gram))
    losses = {"content": 1.0, "tv": 0.5} | {f"style.{layer}": 1.0 for layer in LAYERS}
    card = replace(toy_card(path.stem, size_px=96, losses=losses), paintings=tuple(cards))
    write_toy_style(path, len(cards), card)


def pixels(path: str | Path) -> np.ndarray:
    return read_picture(path).pixels.astype(int)


def settings(path: str) -> Any:
    return read_picture(path).settings


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fast(name: str, options: PaintOptions = PaintOptions()) -> np.ndarray:
    return Engine().stylize(read_picture("cat.png"), find_style(name), options).pixels.astype(int)


def loss(path: str, style: str, shares: Sequence[float] = (1.0,)) -> float:
    """Of a picture of the cat, by the loss that the style was trained to."""
    card = find_style(style).card
    sources = Sources(read_picture("cat.png"), (Style(card.painting(shares)),))
    return Yardstick(sources, card.gatys_options(), load_network("compact")).losses(read_picture(path)).total
