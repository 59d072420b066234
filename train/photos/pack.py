"""Photos decoded and resized once, into one file that is mapped into memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst_core.cache import cache_folder
from nst_core.errors import BudgetError, ConfigError, NstError
from nst_core.files import atomic_path, write_bytes
from train.photos.files import Photo, Source, find_photos, read_photo

log = logging.getLogger(__name__)

LONG_SIDE_PX = 640
"""Of a photo in a pack, unless the caller says otherwise."""

FORMAT = 1
"""Of the packs; another number makes them anew."""

LEFTOVER_S = 3600
"""What a killed process left in a pack's folder is deleted when it has lain untouched for so long."""

AT_ONCE = 32
"""Photos that are read ahead of the one that is written."""

Progress = Callable[[int, int], None]
"""Called with the photos done and the photos in all."""


@dataclass(frozen=True)
class Entry:
    """One photo of a pack."""

    source: Source
    sha256: str
    """Of the source."""
    offset: int
    """Where its pixels begin in the pack's file, in bytes."""
    height: int
    width: int
    crc32: int
    """Of its pixels."""

    @property
    def end(self) -> int:
        """Where its pixels end in the pack's file."""
        return self.offset + self.height * self.width * 3


class PhotoPack:
    """Photos as (H, W, 3) uint8, read-only views of a file that is mapped into memory; ordered by name.

    Args:
        folder: the pack's own, with `index.json` and the file of pixels that it names.
        index: content of `index.json`.

    Raises:
        OSError, ValueError, LookupError, TypeError: the folder holds no such pack.
    """

    def __init__(self, folder: Path, index: dict[str, Any]) -> None:
        self.folder, self._index = folder, index
        self.entries = [Entry(**{**entry, "source": Source(**entry["source"])}) for entry in index["photos"]]
        self.file = folder / index["file"]
        self.pixels = np.memmap(self.file, np.uint8, "r").view(np.ndarray)
        if len(self.pixels) != self.entries[-1].end:
            raise ValueError(f"{self.file} is not of the size that its index tells")
        self.skipped: list[tuple[str, str]] = []
        """Names of files that are no usable photos, from the folder on, with the reasons."""
        self._sound: set[int] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return PhotoPack, (self.folder, self._index)  # mapped again in another process, not sent there

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> np.ndarray:
        """One photo, its checksum verified at first use.

        Raises:
            NstError: the pack is damaged; the next `open_pack` makes it anew.
        """
        if not self.is_sound(index):
            for file in (self.folder / "index.json", self.file):
                _delete(file)
            raise NstError(f"the photo cache {self.file} is damaged; run the same command again to make it anew")
        entry = self.entries[index]
        return self.pixels[entry.offset : entry.end].reshape(entry.height, entry.width, 3)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def is_sound(self, index: int) -> bool:
        """Whether a photo's pixels are what was written."""
        if index not in self._sound:
            entry = self.entries[index]
            if zlib.crc32(self.pixels[entry.offset : entry.end].data) != entry.crc32:
                return False
            self._sound.add(index)
        return True

    @property
    def sha256(self) -> str:
        """Names the set: SHA-256 of the sorted SHA-256 of its files, a line each."""
        return hashlib.sha256("\n".join(sorted(entry.sha256 for entry in self.entries)).encode()).hexdigest()


def open_pack(
    folder: Path | None,
    progress: Progress | None = None,
    long_side_px: int = LONG_SIDE_PX,
    limit: int | None = None,
) -> PhotoPack:
    """The photos of a folder and its subfolders as a pack, made at the first call and when they have changed.

    What has changed is told by names, sizes and times; of the others the pixels are taken over. Files that
    cannot be used are skipped, logged, and tried again at each call. The packs lie in the user's cache folder;
    the environment variable IMPASTO_CACHE_DIR names another.

    Args:
        folder: None for the few photos that scikit-image brings along.
        progress: told about each photo while the pack is made.
        long_side_px: larger photos are reduced to it; none is enlarged.
        limit: takes at most so many files, evenly from the whole folder.

    Raises:
        ConfigError: there are no photos, or none that can be used.
        BudgetError: the disk has no room for the pack.
        NstError: the cache folder cannot be written to.
    """
    root, sources = find_photos(folder, limit)
    key = json.dumps([FORMAT, str(root.resolve()), long_side_px, limit])
    cache = cache_folder() / "photos" / hashlib.sha256(key.encode()).hexdigest()[:16]
    pack = _load(cache)
    skipped = _as_before(pack, root, sources, long_side_px) if pack else None
    if pack is None or skipped is None:
        pack, skipped = _build(cache, root, sources, pack, long_side_px, progress)
    _tidy(cache, pack)
    pack.skipped = skipped
    for name, reason in skipped:
        log.warning("skipped: %s: %s", name, reason)
    return pack


def _load(cache: Path) -> PhotoPack | None:
    try:
        return PhotoPack(cache, json.loads((cache / "index.json").read_bytes()))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _as_before(old: PhotoPack, root: Path, sources: list[Source], long_side_px: int) -> list[tuple[str, str]] | None:
    """What is to be skipped if the old pack has all the photos that there are, and no others; else None."""
    known = {entry.source for entry in old.entries}
    if not known <= set(sources):
        return None
    skipped = []
    for source in sources:
        if source not in known:
            photo = read_photo(root / source.name, long_side_px)
            if not isinstance(photo, str):
                return None
            skipped.append((source.name, photo))
    return skipped


def _build(
    cache: Path, root: Path, sources: list[Source], old: PhotoPack | None, long_side_px: int, progress: Progress | None
) -> tuple[PhotoPack, list[tuple[str, str]]]:
    """Writes the pack, its index last, so that another process finds the old one or the new one."""
    entries: list[Entry] = []
    skipped: list[tuple[str, str]] = []
    target = cache / f"{secrets.token_hex(6)}.pixels"
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        _check_room(temporary.parent, root, sources, long_side_px)
        for source, photo in _photos(root, sources, old, long_side_px):
            if isinstance(photo, str):
                skipped.append((source.name, photo))
            else:
                height, width, _ = photo.pixels.shape
                entries.append(Entry(source, photo.sha256, file.tell(), height, width, zlib.crc32(photo.pixels.data)))
                file.write(photo.pixels.data)
            if progress:
                progress(len(entries) + len(skipped), len(sources))
        if not entries:
            name, reason = skipped[0]
            raise ConfigError(f"{root}: none of the photos can be used; name a folder of others ({name}: {reason})")
    index = {"file": target.name, "photos": [asdict(entry) for entry in entries]}
    pack = PhotoPack(cache, index)
    write_bytes(cache / "index.json", json.dumps(index).encode())
    if old:
        _delete(old.file)
    return pack, skipped


def _check_room(cache: Path, root: Path, sources: list[Source], long_side_px: int) -> None:
    """Against an estimate from above: photos of 3:4, if their files are large enough for that."""
    need = sum(min(long_side_px**2 * 9 // 4, source.size * 40) for source in sources)
    free = shutil.disk_usage(cache).free
    if need > free:
        raise BudgetError(
            f"the photos of {root} may take {need / 1e9:.1f} GB in {cache}, where {free / 1e9:.1f} GB are free; "
            "free some space, or name another folder in the environment variable IMPASTO_CACHE_DIR"
        )


def _photos(
    root: Path, sources: list[Source], old: PhotoPack | None, long_side_px: int
) -> Iterator[tuple[Source, Photo | str]]:
    """Each source's photo, or why there is none; taken from the old pack, or read by several threads."""
    known = {entry.source: i for i, entry in enumerate(old.entries)} if old else {}

    def photo(source: Source) -> Photo | str:
        i = known.get(source)
        if old is not None and i is not None and old.is_sound(i):
            return Photo(old[i], old.entries[i].sha256)
        return read_photo(root / source.name, long_side_px)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        for first in range(0, len(sources), AT_ONCE):  # not all at once: what is read waits in memory to be written
            some = sources[first : first + AT_ONCE]
            yield from zip(some, pool.map(photo, some), strict=True)


def _tidy(cache: Path, pack: PhotoPack) -> None:
    """Deletes what killed processes left behind, but nothing that another process may be writing."""
    for file in cache.iterdir():
        with contextlib.suppress(OSError):
            if file.name not in ("index.json", pack.file.name) and time.time() - file.stat().st_mtime > LEFTOVER_S:
                file.unlink()


def _delete(file: Path) -> None:
    """Unless the system forbids it while the file is mapped."""
    with contextlib.suppress(OSError):
        file.unlink()
