"""The pictures in a folder, and what each says of itself."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nst_core.errors import ImageError
from nst_core.files import sha256
from nst_core.picture import READABLE_SUFFIXES, read_settings
from nst_core.picture_metadata import settings_text
from studio.gallery.render import Made, made_of

Stamp = tuple[int, int]
"""Time of the last change (ns) and bytes: where they are the same, so is the file."""


@dataclass(frozen=True)
class Painted:
    """A file that Impasto painted."""

    path: str
    stamp: Stamp
    sha256: str
    width: int
    height: int
    settings: str
    """JSON."""
    made: Made


@dataclass(frozen=True)
class Other:
    """A file that is no painted photo."""

    path: str
    stamp: Stamp
    reason: str | None
    """Why it cannot be read; None where it is just another picture."""


def find_files(folder: Path) -> dict[str, Stamp]:
    """The pictures of a folder and its subfolders by their path below it; nothing hidden, and no links."""
    found: dict[str, Stamp] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if not name.startswith(".") and path.suffix.lower() in READABLE_SUFFIXES and (stamp := _stamp(path)):
                found[path.relative_to(folder).as_posix()] = stamp
    return found


def read_file(folder: Path, path: str, stamp: Stamp) -> Painted | Other | None:
    """What a file is; None where it has gone.

    Args:
        folder: of the pictures.
        path: below it.
        stamp: of the file before.
    """
    try:
        said = read_settings(folder / path)
        made = made_of(said.settings)
        if said.settings is None or made is None:
            return Other(path, stamp, None)
        text = settings_text(said.settings)  # without the NaN that a file may hold, but no answer
        return Painted(path, stamp, sha256(folder / path), said.width, said.height, text, made)
    except ImageError as error:
        reason = str(error).replace(str(folder / path), path)
        return Other(path, stamp, reason) if (folder / path).exists() else None
    except OSError as error:
        return Other(path, stamp, f"{path} cannot be read: {error.strerror}") if (folder / path).exists() else None


def batches(items: Mapping[str, Stamp], size: int) -> Iterator[list[tuple[str, Stamp]]]:
    """The items, so many at a time."""
    pairs = list(items.items())
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def _stamp(path: Path) -> Stamp | None:
    try:
        str(path).encode()
        found = path.lstat()
    except (OSError, UnicodeEncodeError):  # gone just now, or of a name that no database can hold
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None
