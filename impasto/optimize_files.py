"""The files of `impasto optimize`: paintings, photos and masks in, and which results go where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from impasto.results import find_photos, free_names, result_paths
from nst_core.errors import ConfigError
from nst_core.gatys import Sources, Style
from nst_core.mask import read_mask
from nst_core.picture import Picture, read_picture

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

    @property
    def results(self) -> list[Path]:
        """All that is written."""
        return [path for path in (self.out, self.preview, self.trace, self.plot) if path]


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
    photos = find_photos(options.photo, options.out)
    style = "_".join(painting.path.stem for painting in paintings)
    names = free_names(f"{photo.stem}_{style}" for photo in photos)
    several = len(photos) > 1
    jobs = [
        Job(
            photo,
            out,
            _beside(options.trace, name, ".json", several),
            _beside(options.plot, name, ".png", several),
        )
        for photo, name, out in zip(photos, names, result_paths(options.out, names, options.bits), strict=True)
    ]
    if jobs[0].plot and jobs[0].plot.suffix.lower() not in PLOT_SUFFIXES:
        raise ConfigError(f"--plot {options.plot}: the name must end in {', '.join(PLOT_SUFFIXES)}")
    return jobs


def _beside(given: str | None, name: str, suffix: str, several: bool) -> Path | None:
    """Where a curve goes: the file that was named or, in a folder, one named after the result."""
    if given is None:
        return None
    return Path(given) / f"{name}{suffix}" if several or Path(given).is_dir() else Path(given)
