"""Which photos are painted and where the results go: what the commands that paint share."""

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from impasto.stores import local, place
from nst_core.errors import ConfigError, ImageError
from nst_core.files import atomic_path
from nst_core.picture import READABLE_SUFFIXES, find_pictures
from nst_core.picture_encode import DEEP_FORMATS, FORMATS
from nst_core.storage import check_url, find, is_url


def find_photos(given: Sequence[str], out: str) -> list[Path]:
    """The photos of the command line, without the results of an earlier run in a folder among them.

    Those in stores are fetched.

    Args:
        given: files, folders and patterns.
        out: where the results go.

    Raises:
        ImageError: There is none.
        StorageError: One cannot be fetched.
    """
    given, out = local(given), place(out)
    photos = find_pictures(given)
    named, folder = {os.path.realpath(path) for path in given}, Path(os.path.realpath(out))
    if any(Path(_searched(path)) in folder.parents for path in given):
        photos = [p for p in photos if os.path.realpath(p) in named or folder not in Path(os.path.realpath(p)).parents]
    if not photos:
        raise ImageError(f"there is no picture in {', '.join(given)}")
    return photos


def list_photos(given: Sequence[str], out: str) -> list[Path | str]:
    """The same, but those in stores by their URLs, not fetched yet."""
    urls: list[str] = []
    for url in [check_url(text) for text in given if is_url(text)]:
        urls += [entry.url for entry in find(url, READABLE_SUFFIXES)]
    if is_url(out):
        urls = [url for url in urls if not url.startswith(f"{check_url(out)}/")]
    paths = [text for text in given if not is_url(text)]
    if paths or not urls:
        return [*dict.fromkeys(urls), *find_photos(paths or given, out)]
    return [*dict.fromkeys(urls)]


def folder_within(photo: Path, given: Sequence[str]) -> Path:
    """The folder of a photo, as seen from the one of the command line that it was found in."""
    for path in map(Path, map(place, given)):
        if path.is_dir() and path in photo.parents:
            return photo.parent.relative_to(path)
    return Path()


def _searched(given: str) -> str:
    """The file or folder itself, or the folder in which a pattern looks."""
    return os.path.realpath(given if os.path.exists(given) else os.path.dirname(re.split(r"[*?[]", given)[0]))


def free_names(wanted: Iterable[str]) -> list[str]:
    """The names, numbered where an earlier one is the same."""
    names: list[str] = []
    taken: set[str] = set()
    for name in wanted:
        free, number = name, 1
        while free.lower() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.lower())
        names.append(free)
    return names


def result_paths(out: str, names: Sequence[str], bits: int | None) -> list[Path]:
    """The file of each result: the one that `out` names or, in a folder, one of each name.

    Raises:
        ConfigError: One file is named for several results, or a format that is unknown or too shallow.
    """
    path, count = Path(out), len(names)
    if count > 1 and not path.is_dir() and (path.exists() or path.suffix.lower() in FORMATS):
        raise ConfigError(f"-o {path} names one picture; for {count} pictures name a folder")
    if count > 1 or path.is_dir() or out.endswith(("/", os.sep)):
        return [path / f"{name}.png" for name in names]
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"-o {path}: end the name in {', '.join(FORMATS)}, or name a folder that exists")
    if bits == 16 and kind not in DEEP_FORMATS:
        raise ConfigError(f"-o {path}: {kind} holds 8 bits a channel; use .tif or .png for --bits 16")
    return [path]


class _OnlyTrying(Exception):
    """Leaves `atomic_path` before anything is written."""


def check_writable(results: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Finds out before the work whether all can be written, and over no input.

    Raises:
        ConfigError: A result would overwrite an input, or go to a store.
        NstError: A folder cannot be written to.
    """
    read = {os.path.realpath(path): path for path in inputs}
    for path in results:
        if re.fullmatch(r"[a-z0-9+.-]{2,}:", path.parts[0]):  # what a path has made of a URL
            raise ConfigError(f"{path} is in a store; only impasto paint, sweep and train write there: name a folder")
        if over := read.get(os.path.realpath(path)):
            raise ConfigError(f"{path} would overwrite {over}, which is read; choose another -o")
        with contextlib.suppress(_OnlyTrying), atomic_path(path):
            raise _OnlyTrying
