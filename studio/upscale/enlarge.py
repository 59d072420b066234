"""Enlarging a picture by what artists use: Waifu2x, a model file of their own, or plain Lanczos."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from nst_core.errors import BudgetError, ConfigError, ModelError
from nst_core.memory import available_bytes
from nst_core.picture import Picture
from studio.upscale import waifu2x
from studio.upscale.tiles import Network, Progress, enlarge_tiles

FACTORS = (2, 4)
METHODS = ("auto", "waifu2x", "lanczos")
FREE_SHARE = 0.8
"""Of the memory that is free, how much is taken unless a limit is given."""
WRITING_BYTES = 100_000_000
"""That reading and writing pictures takes beside the pictures themselves."""


@dataclass(frozen=True)
class Enlarger:
    """Makes pictures two or four times as large, one at a time; may be shared among threads."""

    factor: int
    settings: Mapping[str, Any]
    """What enlarges, as it is kept inside the pictures: the same settings make the same picture."""
    network: Network | None = None
    """None is Lanczos."""
    note: str = ""
    """What the artist should know of the choice, in a line; may be empty."""
    memory_limit: int = 0
    """Bytes that the program may take; 0 is most of what is free."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def deep(self) -> bool:
        """Whether 16 bits a channel stay 16; else they become 8."""
        return self.network is None or self.network.deep

    def enlarge(self, picture: Picture, progress: Progress | None = None) -> Picture:
        """The picture with its sides multiplied by the factor, with its alpha and EXIF.

        Args:
            picture: as it was read.
            progress: takes the share of the work that is done; what it raises ends the work.

        Raises:
            BudgetError: It does not fit into the memory.
            ModelError: The network failed.
        """
        tell = progress or (lambda share: None)
        with self._lock:
            room = self._room(picture)
            if self.network:
                return _by_network(picture, self.factor, self.network, self.network.fit(room), tell)
            large = picture.resized(picture.width * self.factor, picture.height * self.factor)
        tell(1.0)
        return Picture(large.pixels, large.alpha, picture.exif, picture.name)

    def _room(self, picture: Picture) -> int:
        """Bytes that are left to a network beside the result.

        Raises:
            BudgetError: The result alone is too large.
        """
        width, height = picture.width * self.factor, picture.height * self.factor
        samples = width * height * (3 + (picture.alpha is not None))
        bits = picture.bit_depth if self.deep else 8
        # With the last of two steps, the picture in between is there as well, a quarter as large.
        needed = int(samples * bits / 8 * 1.25) + WRITING_BYTES
        taken = psutil.Process().memory_info().rss
        left = self.memory_limit - taken if self.memory_limit else int(available_bytes() * FREE_SHARE)
        if left < needed:
            raise BudgetError(
                f"{picture.name or 'the picture'}: {width}x{height} px need {(taken + needed) / 1e9:.1f} GB of memory; "
                "raise --memory-limit, close other programs, or enlarge less"
            )
        return left - needed


def open_enlarger(factor: int, method: str = "auto", memory_limit: int = 0, noise: int | None = None) -> Enlarger:
    """What enlarges pictures, ready to work.

    Args:
        factor: 2 or 4.
        method: auto (Waifu2x if it can be used here, else Lanczos), waifu2x, lanczos, or a model file.
        memory_limit: bytes that the program may take; 0 is most of what is free.
        noise: 0 to 3, how much noise Waifu2x removes; None is the default, 1.

    Raises:
        ConfigError: An option makes no sense.
        ModelError: The method cannot be used here, or the model file not at all.
    """
    if factor not in FACTORS:
        raise ConfigError(f"pictures are enlarged by 2 or 4, not {factor}")
    low, high = waifu2x.NOISE_LEVELS
    if noise is not None and not low <= noise <= high:
        raise ConfigError(f"--noise must be from {low} to {high}, not {noise}")
    if noise is not None and method not in ("auto", "waifu2x"):
        raise ConfigError("--noise is for Waifu2x; leave it out with another --method")
    network, note = _network(method, noise)
    settings = dict(network.settings) if network else {"method": "lanczos"}
    return Enlarger(factor, {"factor": factor, **settings}, network, note, memory_limit)


def _network(method: str, noise: int | None) -> tuple[Network | None, str]:
    """The network, None for Lanczos, and a word on the choice."""
    if method == "lanczos":
        return None, ""
    if method in ("auto", "waifu2x"):
        if not (reason := waifu2x.why_not()):
            return waifu2x.Waifu2xNetwork(waifu2x.NOISE if noise is None else noise), ""
        if method == "waifu2x":
            raise ModelError(f"Waifu2x cannot be used: {reason}")
        return None, f"enlarging by Lanczos only, as Waifu2x cannot be used: {reason}"
    path = Path(method)
    if not path.suffix and not path.exists():
        raise ConfigError(f"--method must be {', '.join(METHODS)} or a model file, not {method}")
    from studio.upscale.model_file import ModelNetwork  # it needs torch, which the others do without

    return ModelNetwork(path), ""


def _by_network(picture: Picture, factor: int, network: Network, crop_pixels: int, tell: Progress) -> Picture:
    """The picture enlarged by a network, which works on its own result again where it enlarges too little."""
    steps = [factor] if network.scale >= factor else [2, 2]
    work = np.cumprod([1, *steps])[:-1] ** 2  # the pixels that each step begins with, relative to the first
    ends = np.cumsum(work) / work.sum()
    picture = picture if network.deep else picture.with_bits(8)
    pixels, alpha = picture.pixels, picture.alpha
    for step, end, share in zip(steps, ends, work / work.sum(), strict=True):
        began = float(end - share)
        pixels, alpha = enlarge_tiles(
            pixels, alpha, step, network, crop_pixels, lambda done, began=began, share=share: tell(began + done * share)
        )
    return Picture(pixels, alpha, picture.exif, picture.name)
