"""One picture of a sweep: a small description that says all of it, and the work, which may be done anywhere, again."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from models.catalog import Style
from nst_core.errors import ImageError, NstError
from nst_core.picture import Picture, read_settings, write_picture
from serve.paint_options import PaintOptions
from serve.work import Progress
from studio.sweep.promise import Promise

FORMAT = 1
"""Of the description; another one is of another version of Impasto."""
PROOFS = "proofs"
"""Folder of the small pictures, in the sweep's."""

Kind = Literal["proof", "final"]
How = Literal["fast", "optimize"]


@dataclass(frozen=True)
class PhotoFile:
    """A photo, by where it is and what it holds."""

    path: str
    """Its full path, or its URL in a store."""
    sha256: str


@dataclass(frozen=True)
class StyleFile:
    """A style, by where it is and what it holds."""

    name: str
    path: str
    """Its full path, or its URL in a store."""
    sha256: str


@dataclass(frozen=True)
class SweepJob:
    """A photo in a style, and the file that it becomes."""

    out: str
    """The file, below the sweep's folder, with `/`."""
    kind: Kind
    how: How
    photo: PhotoFile
    style: StyleFile
    options: PaintOptions
    upscale: int = 0
    """How many times it is enlarged once it is painted; 0 not at all."""

    def spec(self) -> dict[str, Any]:
        """Plain JSON, from which `from_spec` makes the same again."""
        # Not `asdict`, which takes ten times as long: there may be very many.
        parts = {name: dict(vars(getattr(self, name))) for name in ("photo", "style", "options")}
        return {"format": FORMAT, **vars(self), **parts}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """The job of a description.

        Raises:
            NstError: It is of another version of Impasto.
        """
        if spec.get("format") != FORMAT:
            raise NstError("the sweep is of another version of Impasto; go on with that one, or begin another folder")
        rest: dict[str, Any] = {key: value for key, value in spec.items() if key != "format"}
        rest["photo"], rest["style"] = PhotoFile(**rest["photo"]), StyleFile(**rest["style"])
        rest["options"] = PaintOptions(**rest["options"] | {"weights": tuple(rest["options"]["weights"])})
        return cls(**rest)

    @property
    def digest(self) -> str:
        """Of all that decides the pixels, wherever the files are; a picture that holds it is done."""
        decides = [self.kind, self.how, self.photo.sha256, self.style.sha256, asdict(self.options), self.upscale]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


class Paints(Protocol):
    """Keeps ready what painting needs; see `studio.sweep.workshop`."""

    def style(self, job: SweepJob) -> Style:
        """The job's style, read from its file."""
        ...

    def photo(self, job: SweepJob, style: Style) -> Picture:
        """The job's photo, or as much of it as a proof needs."""
        ...

    def paint(self, job: SweepJob, photo: Picture, style: Style, tell: Progress) -> tuple[Picture, dict[str, Any]]:
        """The picture, and the settings to be kept inside it."""
        ...


def perform(job: SweepJob, folder: Path, paints: Paints, tell: Progress = lambda share: None) -> dict[str, Any]:
    """Paints the picture, unless it is there already; gives the record of it, plain JSON.

    Whoever does it with the same versions, and however often, the picture is the same.

    Args:
        job: what to paint.
        folder: of the sweep.
        paints: what painting needs.
        tell: takes the share that is done; what it raises ends the work, and nothing is written.

    Raises:
        ImageError: The photo cannot be read or painted, or is not the one that the job was made for.
        ModelError: So it is with the style.
        BudgetError: It takes too much memory.
        ConfigError: An option makes no sense for the style.
        NstError: The picture cannot be written.
    """
    path = folder / job.out
    if found := _record_in(path, job):
        return found
    style = paints.style(job)
    photo = paints.photo(job, style)
    began = time.perf_counter()
    picture, settings = paints.paint(job, photo, style, tell)
    if job.kind == "proof":
        promise = Promise.of(picture, photo.resized(picture.width, picture.height), style, job.options)
        settings |= {"promise": promise.value, "promise_of": asdict(promise)}
    settings["sweep"] = {"job": job.digest}
    write_picture(picture, path, settings=settings, fast=True)
    took = time.perf_counter() - began
    return _record(picture.width, picture.height, settings) | {"seconds": round(took, 3)}


def _record_in(path: Path, job: SweepJob) -> dict[str, Any] | None:
    """The record of a picture that was painted for this very job, told by the picture; None where there is none."""
    try:
        found = read_settings(path)
    except ImageError:
        return None
    settings = found.settings or {}
    if not isinstance(sweep := settings.get("sweep"), Mapping) or sweep.get("job") != job.digest:
        return None
    return _record(found.width, found.height, settings)


def _record(width: int, height: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": [width, height], "seconds": settings["seconds"], "promise": settings.get("promise")}
