"""What is to be learned: paintings, options and where the result goes; free of torch, and as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import checkpoints
from nst_core.files import sha256
from train.style.options import StyleOptions


@dataclass(frozen=True)
class Painting:
    """A painting's file, and what its style's card will say about it."""

    path: Path
    name: str
    """Short, of letters, digits, _, - and dots."""
    title: str
    artist: str
    license: str
    sha256: str


@dataclass(frozen=True)
class StyleJob:
    """One network to be trained."""

    name: str
    """Of the style and its file."""
    title: str
    paintings: tuple[Painting, ...]
    options: StyleOptions
    photos: Path | None
    """Folder; None for the photos that scikit-image brings along."""
    base: Path | None
    """Network to begin from (see `models.registry`); None for random weights."""
    base_sha256: str | None
    output: Path
    """The style's file, .onnx."""

    def to_spec(self) -> dict[str, Any]:
        """As plain JSON."""
        spec = asdict(self)
        for painting in spec["paintings"]:
            painting["path"] = str(painting["path"])
        paths = {key: None if spec[key] is None else str(spec[key]) for key in ("photos", "base", "output")}
        options = spec["options"] | {"layer_weights": list(self.options.layer_weights)}
        return spec | paths | {"options": options, "paintings": list(spec["paintings"])}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> StyleJob:
        """From what `to_spec` gave."""
        paintings = tuple(Painting(**{**entry, "path": Path(entry["path"])}) for entry in spec["paintings"])
        options = StyleOptions(**spec["options"])
        options = replace(options, layer_weights=tuple(options.layer_weights))
        paths = {key: None if spec[key] is None else Path(spec[key]) for key in ("photos", "base", "output")}
        known = {field.name: spec[field.name] for field in fields(cls)}  # older ones told the machines, too
        return cls(**{**known, **paths, "paintings": paintings, "options": options})


def describe(path: Path, about: Mapping[str, str]) -> Painting:
    """A painting's file with what is known about it; what is not known comes from its name, or is `unknown`.

    Args:
        path: of the file.
        about: `title`, `artist`, `license`, as far as they are known.
    """
    name = "".join(c if c.isalnum() or c in "_.-" else "_" for c in path.stem).lstrip(".-") or "painting"
    title = about.get("title") or name.replace("_", " ").replace("-", " ").strip().title()
    artist, license = (about.get(key) or "unknown" for key in ("artist", "license"))
    return Painting(path, name, title, artist, license, sha256(path))


def shipped_base(network: str) -> Path | None:
    """The network that ships to begin from, if there is one of that kind."""
    path = Path(checkpoints.__path__[0]) / "base" / f"{network}.safetensors"
    return path if path.is_file() else None
