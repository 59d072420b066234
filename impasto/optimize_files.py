"""The files of `impasto optimize`: paintings, photos and masks in, and which results go where."""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from nst_core.errors import ConfigError, ImageError
from nst_core.files import atomic_path
from nst_core.gatys import Sources, Style
from nst_core.mask import read_mask
from nst_core.picture import Picture, find_pictures, read_picture
from nst_core.picture_encode import DEEP_FORMATS, FORMATS

PLOT_SUFFIXES = (".png", ".svg", ".pdf")
EVERYWHERE = "-"


@dataclass(frozen=True)
class Job:
    """One photo, and the files that painting it writes."""

    photo: Path
    out: Path
    trace: Path | None
    plot: Path | None

    @property
    def preview(self) -> Path:
        return self.out.with_name(f"{self.out.stem}_preview.png")

    @property
    def snapshot(self) -> Path:
        return self.out.with_name(f"{self.out.name}.snapshot")

    def check(self, inputs: Sequence[Path]) -> None:
        """Finds out before the work whether all can be written, and writes over no input.

        Raises:
            ConfigError: A result would overwrite an input.
            NstError: A folder cannot be written to.
        """
        taken = {os.path.realpath(path): path for path in inputs}
        for path in (self.out, self.preview, self.trace, self.plot):
            if path is None:
                continue
            if over := taken.get(os.path.realpath(path)):
                raise ConfigError(f"{path} would overwrite {over}, which is read; choose another -o")
            with contextlib.suppress(_OnlyTrying), atomic_path(path):
                raise _OnlyTrying


class _OnlyTrying(Exception):
    """Leaves `atomic_path` before anything is written."""


@dataclass(frozen=True)
class Painting:
    """A painting as it was asked for."""

    path: Path
    share: float
    mask: Path | None
    picture: Picture


def read_paintings(options: Namespace) -> list[Painting]:
    """The paintings of the command line, with their shares and masks.

    Raises:
        ConfigError: There are more masks than paintings, or a share is no weight.
        ImageError: A painting cannot be read.
    """
    if not options.style:
        raise ConfigError("there is no painting; add --style PAINTING")
    if len(options.style_mask) > len(options.style):
        raise ConfigError(f"{len(options.style_mask)} --style-mask for {len(options.style)} --style; give one for each")
    masks: list[str] = [*options.style_mask, *[EVERYWHERE] * len(options.style)]
    paintings = []
    for text, mask in zip(options.style, masks, strict=False):
        path, share = split_share(text)
        picture = read_picture(path, max_pixels=_max_pixels(options))
        paintings.append(Painting(path, share, None if mask == EVERYWHERE else Path(mask), picture))
    return paintings


def split_share(text: str) -> tuple[Path, float]:
    """`a.jpg:0.7` as path and share; only a number at the end is a share, and none if there is such a file.

    Raises:
        ConfigError: The share is 0.
    """
    found = re.fullmatch(r"(.+):(\d+\.?\d*|\.\d+)", text)
    if not found or Path(text).exists():
        return Path(text), 1.0
    if float(found[2]) == 0:
        raise ConfigError(f"--style {text}: a share must be greater than 0; leave the painting out instead")
    return Path(found[1]), float(found[2])


def read_sources(photo: Path, paintings: Sequence[Painting], options: Namespace, draft: Path | None) -> Sources:
    """All pictures that go into painting one photo.

    Raises:
        ImageError: One of them cannot be read.
    """
    max_pixels = _max_pixels(options)
    picture = read_picture(photo, max_pixels=max_pixels)

    def mask(path: str | Path | None):
        return None if path is None else read_mask(path, picture.height, picture.width, options.feather)

    return Sources(
        picture,
        tuple(Style(painting.picture, painting.share, mask(painting.mask)) for painting in paintings),
        mask(options.protect),
        None if draft is None else read_picture(draft, max_pixels=max_pixels),
    )


def _max_pixels(options: Namespace) -> int:
    return round(options.max_megapixels * 1e6)


def plan_jobs(options: Namespace, paintings: Sequence[Painting]) -> list[Job]:
    """The photos and where their results go.

    Raises:
        ConfigError: A name does not fit: a file for several photos, or an unknown format.
        ImageError: There is no such photo.
    """
    out = Path(options.out)
    photos = find_pictures(options.photo)
    given = {os.path.realpath(path) for path in options.photo}
    if os.path.realpath(out) not in given:  # results of an earlier run are no photos
        mine = Path(os.path.realpath(out))
        photos = [p for p in photos if os.path.realpath(p) in given or mine not in Path(os.path.realpath(p)).parents]
    if not photos:
        raise ImageError(f"there is no picture in {', '.join(map(str, options.photo))}")
    several = len(photos) > 1
    if several and out.is_file():
        raise ConfigError(f"-o {out} is a file; for {len(photos)} photos name a folder")
    if several and out.suffix.lower() in FORMATS and not out.is_dir():
        raise ConfigError(f"-o {out} names one picture; for {len(photos)} photos name a folder")
    into_folder = several or out.is_dir() or str(options.out).endswith(("/", os.sep))
    style = "_".join(painting.path.stem for painting in paintings)
    names: set[str] = set()
    jobs = []
    for photo in photos:
        name = _free_name(f"{photo.stem}_{style}", names)
        jobs.append(
            Job(
                photo,
                _check_format(out / f"{name}.png" if into_folder else out, options.bits),
                _beside(options.trace, name, ".json", several),
                _beside(options.plot, name, ".png", several),
            )
        )
    if jobs[0].plot and jobs[0].plot.suffix.lower() not in PLOT_SUFFIXES:
        raise ConfigError(f"--plot {options.plot}: the name must end in {', '.join(PLOT_SUFFIXES)}")
    return jobs


def _free_name(name: str, taken: set[str]) -> str:
    """The name, numbered where another photo of the same name has it."""
    free, number = name, 1
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.lower())
    return free


def _check_format(path: Path, bits: int) -> Path:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"-o {path}: end the name in {', '.join(FORMATS)}, or name a folder that exists")
    if bits == 16 and kind not in DEEP_FORMATS:
        raise ConfigError(f"-o {path}: {kind} holds 8 bits a channel; use .tif or .png for --bits 16")
    return path


def _beside(given: str | None, name: str, suffix: str, several: bool) -> Path | None:
    """Where a curve goes: the file that was named or, in a folder, one named after the result."""
    if given is None:
        return None
    return Path(given) / f"{name}{suffix}" if several or Path(given).is_dir() else Path(given)
