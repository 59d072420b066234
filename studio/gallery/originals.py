"""The photos that a sweep painted, where they still are as they were: what renders are compared with."""

import functools
import threading
from pathlib import Path

from nst_core.errors import ImageError, NstError
from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.picture import picture_bytes, read_picture
from studio.gallery.files import Stamp
from studio.gallery.render import Render

LEDGER = "sweep.sqlite"
"""Where a sweep notes which photos it paints."""
PICTURES_KEPT = 8
QUALITY = 92
_READING = threading.Lock()
"""One large picture in memory at a time."""


class Originals:
    """Photos by the hash that renders name.

    Args:
        folder: of a sweep; in another there are none.
    """

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder / LEDGER)
        self._paths: dict[str, Path] = {}
        self._read: Stamp | None = None

    def find(self, render: Render) -> Path | None:
        """The photo's file, if it is still where it was and holds the same."""
        if render.photo_sha256 is None:
            return None
        if render.photo_sha256 not in self._paths and (now := _stamp(self.ledger.path)) != self._read:
            self._read, self._paths = now, self._read_paths()
        path = self._paths.get(render.photo_sha256)
        stamp = path and _stamp(path)
        return path if path and stamp and _hash(path, stamp) == render.photo_sha256 else None

    def _read_paths(self) -> dict[str, Path]:
        try:
            photos = [job.spec.get("photo") for job in self.ledger.each()]
        except NstError:  # the gallery shows the renders without it
            return {}
        found = [photo for photo in photos if isinstance(photo, dict)]
        return {str(photo.get("sha256")): Path(str(photo.get("path"))) for photo in found}


@functools.lru_cache(PICTURES_KEPT)
def _shown(path: Path, stamp: Stamp | None, size: tuple[int, int] | None) -> bytes:
    with _READING:
        picture = read_picture(path)
        return picture_bytes(picture.resized(*size or (picture.width, picture.height)), "shown.jpg", quality=QUALITY)


def as_jpeg(path: Path, size: tuple[int, int] | None = None) -> bytes:
    """A picture of any kind as browsers show it.

    Args:
        path: of the picture.
        size: width and height to bring it to; None leaves it as it is.

    Raises:
        ImageError: It cannot be read.
    """
    try:
        return _shown(path, _stamp(path), size)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), path.name)) from error


@functools.lru_cache(256)
def _hash(path: Path, stamp: Stamp) -> str | None:
    try:
        return sha256(path)
    except OSError:
        return None


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
