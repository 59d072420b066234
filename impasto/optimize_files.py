"""The files of `impasto optimize`: paintings, photos and masks in, and which results go where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from impasto.results import find_photos, free_names, result_paths
from impasto.stores import local_file
from models.card import STRENGTH_RANGE
from models.catalog import SUFFIX, find_style, read_style
from nst_core.errors import ConfigError, ModelError
from nst_core.files import sha256
from nst_core.known_painting import KnownPainting
from nst_core.mask import read_mask
from nst_core.picture import Picture, read_picture
from nst_core.sources import Sources, Style, fast_share
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions

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
    """Of its picture, or of a style that was learned from it."""
    share: float
    mask: Path | None
    painting: Picture | KnownPainting
    sha256: str
    """Of the file."""


def read_paintings(options: Namespace, draft: Path | None) -> list[Painting]:
    """The paintings of the command line, with their shares and masks; where there are none, the draft's.

    Raises:
        ConfigError: There are more masks than paintings, or a share is no weight.
        ImageError: A painting cannot be read.
        ModelError: There is neither a picture nor a style of that name.
    """
    texts = options.style or ([str(draft)] if options.from_style else [])
    if not texts:
        raise ConfigError("there is no painting; add --style PAINTING")
    if len(options.style_mask) > len(texts):
        raise ConfigError(f"{len(options.style_mask)} --style-mask for {len(texts)} --style; give one for each")
    masks: list[str] = [*options.style_mask, *[EVERYWHERE] * len(texts)]
    paintings = []
    for text, mask in zip(texts, masks, strict=False):
        name, share = split_share(text)
        path, painting = _read_painting(name, options)
        paintings.append(Painting(path, share, None if mask == EVERYWHERE else Path(mask), painting, sha256(path)))
    return paintings


def _read_painting(name: Path, options: Namespace) -> tuple[Path, Picture | KnownPainting]:
    """A painting and its file; a picture goes before a style of the same name."""
    if name.suffix != SUFFIX and (name.exists() or len(name.parts) > 1):
        return name, read_picture(name, max_pixels=_max_pixels(options))
    try:
        style = find_style(name)
    except ModelError as error:
        if name.suffix == SUFFIX:
            raise
        raise ModelError(f"{name} does not exist, and {error}") from error
    return style.path, style.card.painting(PaintOptions().shares(style))


def split_share(text: str) -> tuple[Path, float]:
    """`a.jpg:0.7` as path and share; only a number at the end is a share, and none if there is such a file.

    One in a store is fetched.

    Raises:
        ConfigError: The share is 0.
        StorageError: It cannot be fetched.
    """
    found = re.fullmatch(r"(.+):(\d+\.?\d*|\.\d+)", text)
    if not found or Path(text).exists():
        return local_file(text), 1.0
    if float(found[2]) == 0:
        raise ConfigError(f"--style {text}: a share must be greater than 0; leave the painting out instead")
    return local_file(found[1]), float(found[2])


def read_sources(photo: Path, paintings: Sequence[Painting], options: Namespace, draft: Path | None) -> Sources:
    """All pictures that go into painting one photo.

    Raises:
        ImageError: One of them cannot be read.
        ModelError: The style of the draft is broken.
        BudgetError: The draft is too large for the memory.
    """
    picture = read_picture(photo, max_pixels=_max_pixels(options))

    def mask(path: str | Path | None):
        return None if path is None else read_mask(path, picture.height, picture.width, options.feather)

    return Sources(
        picture,
        tuple(Style(painting.painting, painting.share, mask(painting.mask)) for painting in paintings),
        mask(options.protect),
        None if draft is None else _read_draft(draft, picture, options),
        fast_share(options.iterations) if options.from_style else 1.0,
        mask(options.only),
    )


def _read_draft(path: Path, photo: Picture, options: Namespace) -> Picture:
    """What to start from: a picture, or the photo as a style paints it at once."""
    if path.suffix != SUFFIX:
        return read_picture(path, max_pixels=_max_pixels(options))
    chosen = PaintOptions(options.size, min(options.strength, STRENGTH_RANGE[1]), options.brush_size)
    engine = Engine(ComputeOptions(options.device), options.memory_limit or 0)
    return engine.stylize(photo, read_style(path), chosen)


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
