"""Which styles there are: those that ship with the program, and the user's own."""

import difflib
import functools
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

import checkpoints
from models.card import METADATA_KEY, StyleCard
from models.onnx_metadata import read_metadata
from models.shared_folder import shared_folder
from nst_core.errors import ModelError
from nst_core.fetch import fetch
from nst_core.files import sha256
from nst_core.storage import is_url

logger = logging.getLogger(__name__)

SUFFIX = ".onnx"
HASHES_KEPT = 1024


@dataclass(frozen=True)
class Style:
    """A style file that can be painted with."""

    name: str
    """The file's name without its suffix."""
    path: Path
    card: StyleCard
    sha256: str
    """Of the file, as it was read; it may be replaced, or go, at any time."""


@dataclass(frozen=True)
class Broken:
    """A file among the styles that cannot be painted with."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Catalog:
    """What the folders of styles hold."""

    styles: list[Style]
    """By name; the user's own goes before one of the same name that ships."""
    broken: list[Broken]


def shipped_folder() -> Path:
    """Where the styles that come with the program are."""
    return Path(checkpoints.__path__[0])


def user_folder() -> Path:
    """Where the user's own styles are; the environment variable IMPASTO_STYLES_DIR names another.

    Of one in a store, like s3://bucket/styles, it is the local copy, which follows the store's.
    """
    chosen = os.environ.get("IMPASTO_STYLES_DIR")
    if chosen and is_url(chosen):
        return shared_folder(chosen, SUFFIX)
    return Path(chosen) if chosen else platformdirs.user_data_path("impasto", appauthor=False) / "styles"


def styles() -> list[Style]:
    """All styles by name; broken files are logged."""
    catalog = survey()
    for broken in catalog.broken:
        logger.warning("%s (left out)", broken.reason)
    return catalog.styles


def survey() -> Catalog:
    """What is in the folders of styles now."""
    found: dict[str, Style] = {}
    broken: list[Broken] = []
    for folder in (shipped_folder(), user_folder()):
        for path in folder.glob(f"*{SUFFIX}"):
            if path.name.startswith("."):  # one that is just being written
                continue
            try:
                style = read_style(path)
            except ModelError as error:
                broken.append(Broken(path, str(error)))
            else:
                found[style.name] = style
    return Catalog(sorted(found.values(), key=lambda style: style.name), broken)


def thumbnail_path(style: Style) -> Path | None:
    """The picture of a photo in a style that ships; None where there is none."""
    path = style.path.parent / "samples" / f"{style.name}.png"
    return path if path.is_file() else None


def find_style(name_or_path: str | Path) -> Style:
    """A style by its name, or by the path or the URL of its file.

    Raises:
        ModelError: There is no such style, or its file is broken.
        StorageError: It cannot be fetched.
    """
    if is_url(name_or_path):
        return read_style(fetch(str(name_or_path)))
    path = Path(name_or_path)
    if path.suffix == SUFFIX or len(path.parts) != 1:
        return read_style(path)
    name = str(name_or_path)
    for folder in (user_folder(), shipped_folder()):
        if (path := folder / f"{name}{SUFFIX}").is_file():
            return read_style(path)
    close = difflib.get_close_matches(name, [style.name for style in styles()])
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise ModelError(f"there is no style {name!r}; {hint}see impasto styles")


def read_style(path: Path) -> Style:
    """The style in a file.

    Raises:
        ModelError: The file cannot be read, or is no style; the message names it.
    """
    text = read_metadata(path).get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path} is no style: it has no card; name one that Impasto exported")
    try:
        found = path.stat()
        digest = _sha256(path.absolute(), found.st_mtime_ns, found.st_size)
        return Style(path.name.removesuffix(SUFFIX), path, StyleCard.from_json(text), digest)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


@functools.lru_cache(HASHES_KEPT)
def _sha256(path: Path, mtime_ns: int, size: int) -> str:
    return sha256(path)
