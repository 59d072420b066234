"""Small pictures for the wall: each made once, and kept in the folder for as long as its render is there."""

import contextlib
import threading
from collections.abc import Set
from pathlib import Path

from PIL import Image

from nst_core.errors import ImageError
from nst_core.files import atomic_path
from nst_core.picture import read_picture

FOLDER = ".thumbnails"
SUFFIX = ".webp"
LONG_SIDE_PX = 320
AT_ONCE = 2
"""Pictures in memory, however large they are."""
_QUALITY, _EFFORT = 82, 2
"""Of WebP; more effort takes twice as long and saves a thirtieth."""


class Thumbnails:
    """The thumbnails of a folder's pictures, named by what is in the picture, so that renaming costs none.

    Args:
        folder: of the pictures.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self._making = threading.Semaphore(AT_ONCE)

    def path(self, sha256: str) -> Path:
        """Where the thumbnail of a picture is, once it is made."""
        return self.folder / (sha256 + SUFFIX)

    def make(self, picture: Path, sha256: str) -> Path:
        """The thumbnail of a picture, made where there is none.

        Raises:
            ImageError: The picture cannot be read, or is another by now.
            NstError: The thumbnail cannot be written.
        """
        path = self.path(sha256)
        if path.exists():
            return path
        with self._making:
            if not path.exists():
                found = read_picture(picture)
                if found.sha256 != sha256:
                    raise ImageError(f"{picture} has just been changed; it is seen at the next look")
                small = Image.fromarray(found.with_bits(8).pixels)
                small.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
                with atomic_path(path) as temporary:
                    small.save(temporary, "WEBP", quality=_QUALITY, method=_EFFORT)
        return path

    def keep_only(self, wanted: Set[str]) -> None:
        """Removes the thumbnails of pictures that are not wanted any more, by their hashes."""
        for path in self.folder.glob("*" + SUFFIX):
            if path.stem not in wanted:
                with contextlib.suppress(OSError):
                    path.unlink()
