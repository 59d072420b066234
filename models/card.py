"""The card inside a style file: which paintings it holds, how it was made, and what it was measured at."""

import base64
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Self, get_args, get_origin, get_type_hints

import numpy as np

from nst_core.errors import ModelError
from nst_core.gatys_options import GatysOptions
from nst_core.known_painting import KnownPainting

FORMAT = 1
"""Of the card; a larger number is one that this program would misread."""
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Of the loss networks, that styles are learned at."""
METADATA_KEY = "impasto_card"
"""The property of the ONNX file that holds the card."""
STRENGTH_RANGE = (0.0, 1.5)
"""Of the input `strength`: 0 gives the photo back, 1 paints as trained."""
MIN_SIDE_PX = 32
"""Least height and width of the input `photo`."""

_NAME = re.compile(r"\w[\w.-]*")  # part of the names of results, so it must not lead elsewhere
_KINDS = {str: "text", int: "a whole number", float: "a number", Mapping: "an object", tuple: "a list"}


@dataclass(frozen=True)
class PaintingCard:
    """A painting that a style was learned from."""

    name: str
    """Short, of letters, digits, _, - and dots."""
    title: str
    artist: str
    license: str
    file: str
    """File name, never a path."""
    sha256: str
    gram: Mapping[str, str]
    """Gram matrix of each layer of the loss network `compact`, as `pack_gram` makes them."""
    color_mean: tuple[float, ...]
    """(3,) mean of its sRGB, in [0, 1]."""
    color_covariance: tuple[tuple[float, ...], ...]
    """(3, 3) covariance of its sRGB."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if re.search(r"[\\/]", self.file):
            raise ModelError(f"the card of {self.name} names a path ({self.file}); it may hold a file name only")
        if len(self.color_mean) != 3 or [len(row) for row in self.color_covariance] != [3, 3, 3]:
            raise ModelError(f"the card of {self.name} must have a mean of 3 colors and a covariance of 3 by 3")

    def grams(self) -> dict[str, np.ndarray]:
        """The Gram matrix of each layer, (c, c) float32.

        Raises:
            ModelError: One is damaged.
        """
        return {layer: _unpack_gram(text, f"{self.name}: gram.{layer}") for layer, text in self.gram.items()}


@dataclass(frozen=True)
class PhotosCard:
    """The photos that a style was trained on."""

    count: int
    sha256: str
    """Of what tells one set of photos from another."""


@dataclass(frozen=True, kw_only=True)
class StyleCard:
    """All that a style file says about itself."""

    format: int = FORMAT
    name: str
    """Short, of letters, digits, _, - and dots."""
    title: str
    paintings: tuple[PaintingCard, ...]
    """In the order of the input `weights`, which the file has where there are several."""
    network: str
    """Its name among the networks."""
    network_options: Mapping[str, Any]
    size_px: int
    """Long side of the photo that the strokes were learned for."""
    brush_size: float
    """Size of the strokes when it was trained, as a multiple of the painting's own."""
    losses: Mapping[str, float]
    """Weight of each loss, or of each of its layers, by name."""
    loss_network: str
    loss_network_sha256: str
    photos: PhotosCard
    steps: int
    seconds: float
    """Training time."""
    hardware: Mapping[str, Any]
    provenance: Mapping[str, Any]
    """Versions and git commit; see `nst_core.provenance`."""
    seed: int
    figures: Mapping[str, Any]
    """What was measured: numbers by name, or mappings of such."""
    created: str
    """Date, ISO 8601."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not self.paintings:
            raise ModelError(f"the card of {self.name} names no painting")

    def painting(self, shares: Sequence[float]) -> KnownPainting:
        """The paintings mixed by shares whose sum is 1, as training mixes them.

        Raises:
            ModelError: A Gram matrix is damaged.
        """
        grams = [painting.grams() for painting in self.paintings]
        weights = np.array(shares, np.float32)
        mixed = {layer: np.tensordot(weights, np.stack([gram[layer] for gram in grams]), 1) for layer in grams[0]}
        mean, covariance = self.palette(shares)
        return KnownPainting(self.name, mixed, mean, covariance, round(self.size_px * self.brush_size))

    def gatys_options(self) -> GatysOptions:
        """Those with which the optimizer goes by the loss that this style was trained to.

        Differs: without the losses that training adds against a network's own faults, grid and palette.
        """
        first, second, third, fourth, fifth = (self.losses.get(f"style.{layer}", 0.0) for layer in LAYERS)
        return GatysOptions(
            size=self.size_px,
            content_weight=self.losses.get("content", 0.0),
            tv_weight=self.losses.get("tv", 0.0),
            layer_weights=(first, second, third, fourth, fifth),
            network="compact",
        )

    def palette(self, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (3,) and covariance (3, 3) of the colors of the paintings together, each with its share."""
        weights = np.array(shares)
        means = np.array([painting.color_mean for painting in self.paintings])
        covariances = np.array([painting.color_covariance for painting in self.paintings])
        mean = weights @ means
        apart = means - mean
        return mean, np.tensordot(weights, covariances + apart[:, :, None] * apart[:, None, :], 1)

    def to_json(self) -> str:
        """The card as the ONNX file holds it.

        Raises:
            ModelError: A number is not finite, which JSON cannot hold.
        """
        try:
            return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except ValueError as error:
            raise ModelError(f"the card of {self.name} holds a number that is not finite") from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a card; what it holds beyond what is known here is ignored.

        Raises:
            ModelError: It is broken, incomplete or of a newer format; the message says where.
        """
        try:
            found = json.loads(text)
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # neither NaN nor halves of characters
        except (ValueError, RecursionError) as error:
            raise ModelError(f"the card is not JSON ({error})") from error
        card_format = found.get("format") if isinstance(found, dict) else None
        if isinstance(card_format, int) and card_format > FORMAT:
            raise ModelError(f"the card has format {card_format}, this program knows {FORMAT}; update Impasto")
        return _checked(found, cls, "")


def pack_gram(gram: np.ndarray) -> str:
    """A Gram matrix as text: its largest value as float32, then what is on and above the diagonal, in shares
    of that as float16, row by row, little-endian, in base64.

    The shares are there because the Gram matrices of deep layers exceed what float16 can hold.

    Args:
        gram: (c, c), symmetric.

    Raises:
        ModelError: It has values that are not finite.
    """
    peak = np.float32(np.abs(gram).max()) or np.float32(1)
    if not np.isfinite(peak):
        raise ModelError("a Gram matrix has values that are not finite; the painting or its features are broken")
    triangle = gram[np.triu_indices_from(gram)] / peak
    return base64.b64encode(peak.astype("<f4").tobytes() + triangle.astype("<f2").tobytes()).decode("ascii")


def _unpack_gram(text: str, where: str) -> np.ndarray:
    try:
        data = base64.b64decode(text, validate=True)
        peak = np.frombuffer(data, "<f4", 1)[0]
        triangle = np.frombuffer(data, "<f2", offset=4).astype(np.float32) * peak
    except ValueError as error:
        raise ModelError(f"{where} of the card is no Gram matrix ({error})") from error
    channels = (math.isqrt(8 * triangle.size + 1) - 1) // 2
    if not channels or channels * (channels + 1) // 2 != triangle.size or not np.isfinite(triangle).all():
        raise ModelError(f"{where} of the card is no Gram matrix (damaged)")
    upper = np.zeros((channels, channels), np.float32)
    upper[np.triu_indices(channels)] = triangle
    return upper + np.triu(upper, 1).T


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ModelError(f"the card has the name {name!r}; a name is of letters, digits, _, - and dots")


def _checked(value: Any, kind: Any, where: str) -> Any:
    """A value from JSON as the annotation `kind` has it: a dataclass, Mapping, tuple, number, text or Any.

    Args:
        where: keys that lead to the value, with dots.

    Raises:
        ModelError: It is of another type, or lacks a key.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    inside = f"{where}." if where else ""
    if kind is Any:
        return value
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
        if missing := [field.name for field in fields(kind) if field.name not in value]:
            raise ModelError(f"the card lacks {inside}{missing[0]}")
        hints = get_type_hints(kind)
        return kind(**{name: _checked(value[name], hint, inside + name) for name, hint in hints.items()})
    if origin is Mapping and isinstance(value, dict):
        return {key: _checked(item, arguments[1], inside + key) for key, item in value.items()}
    if origin is tuple and isinstance(value, list):
        return tuple(_checked(item, arguments[0], f"{where}[{number}]") for number, item in enumerate(value))
    if kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if type(value) is kind and kind is not float:
        return value
    wanted = _KINDS.get(origin or kind, "an object")
    raise ModelError(f"{where or 'the card'} must be {wanted}, not {_short(value)}")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:40] + "…"
