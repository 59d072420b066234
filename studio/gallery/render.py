"""A painted picture as the gallery knows it, by what the file says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from serve.paint_options import PaintOptions

Rating = Literal["rejected", "unrated", "kept", "starred"]
RATINGS: tuple[Rating, ...] = get_args(Rating)
Kind = Literal["proof", "final"]
Order = Literal["newest", "promise", "name"]

PROOFS = "proofs"
"""Folder of a sweep's proofs; all else is final."""
LONGEST = 255
"""Letters of a name."""


@dataclass(frozen=True)
class Render:
    """A painted picture in a folder."""

    id: int
    """Ours, for as long as the store is there."""
    path: str
    """Below the folder, with `/`."""
    photo: str
    """Name of the photo's file."""
    style: str
    variant: str
    """Which of several ways it was painted in the style; empty for the usual one."""
    kind: Kind
    command: str
    """What painted it: `paint`, `optimize`."""
    size: tuple[int, int]
    """Width and height, pixels."""
    rating: Rating
    promise: float | None
    """How good the sweep thinks it is; more is better."""
    changed: float
    """When the file was written, seconds since 1970."""
    sha256: str
    """Of the file."""
    photo_sha256: str | None
    """Of the photo's file."""


@dataclass(frozen=True)
class Scan:
    """What a look through the folder found."""

    new: int
    changed: int
    gone: int


@dataclass(frozen=True)
class Changes:
    """What has changed since a revision."""

    revision: int
    renders: list[Render]
    """New, or other than before."""
    gone: list[int]
    """Ids of those whose file is not there."""


@dataclass(frozen=True)
class Made:
    """What a file's settings say of how it was made, as far as the gallery sorts by it."""

    photo: str
    photo_sha256: str | None
    style: str
    command: str
    promise: float | None


def made_of(settings: Mapping[str, Any] | None) -> Made | None:
    """What the settings of a file say; None where it is no photo that was painted."""
    if not settings:
        return None
    photo, styles = _file(settings.get("photo")), _styles(settings)
    if not photo or not styles:
        return None
    promise = settings.get("promise")
    return Made(
        photo,
        _text(settings["photo"].get("sha256")) if isinstance(settings["photo"], Mapping) else None,
        " + ".join(styles),
        _text(settings.get("command")) or "paint",
        float(promise) if isinstance(promise, int | float) else None,
    )


def variant_of(settings: Mapping[str, Any]) -> str:
    """Which of several ways a photo was painted in a style: `strength 0.7, brush 2`; empty for the usual one."""
    options, usual = settings.get("options"), PaintOptions()
    if not isinstance(options, Mapping):
        return ""
    numbers = [("strength", options.get("strength"), usual.strength)]
    numbers += [("brush", options.get("brush_size"), usual.brush_size)]
    words = [f"{name} {value:g}" for name, value, one in numbers if isinstance(value, int | float) and value != one]
    if isinstance(weights := options.get("weights"), list) and weights:
        words.append(f"weights {', '.join(map(str, weights))}")
    if options.get("color") in ("photo", "palette"):
        words.append("palette" if options["color"] == "palette" else "the photo's colors")
    if settings.get("refinement"):
        words.append("refined")
    return ", ".join(words)


def kind_of(path: str) -> Kind:
    """Whether a file, by its folder, is a proof."""
    return "proof" if PROOFS in PurePosixPath(path).parts[:-1] else "final"


def making(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how a picture looks: its settings without what only tells of the run."""
    return {
        key: value for key, value in settings.items() if key not in ("versions", "seconds", "promise", "promise_of")
    }


def _styles(settings: Mapping[str, Any]) -> list[str]:
    """The name of the style, or those of the paintings that were painted from."""
    style = settings.get("style")
    name = _text(style.get("name")) if isinstance(style, Mapping) else _text(style)
    if name:
        return [name]
    paintings = settings.get("paintings")
    files = [_file(painting) for painting in paintings] if isinstance(paintings, list) else []
    return [PurePosixPath(file).stem for file in files if file]


def _file(value: Any) -> str:
    """The name of a file, as commands note it."""
    return _text(value.get("file")) if isinstance(value, Mapping) else _text(value)


def _text(value: Any) -> str:
    """A text, as a database can hold it; what is none is empty."""
    return value[:LONGEST].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
