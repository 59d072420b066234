"""A sweep into a folder of a store: each picture goes there whole before it counts as done, whoever painted it."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from nst_core.fetch import fetch_to, md5
from nst_core.storage import is_url, join, look, publish
from nst_core.storage_errors import Missing
from serve.work import Progress
from studio.sweep.job import Paints, PhotoFile, StyleFile, SweepJob, perform

INPUTS = "inputs"
"""Folder in the sweep's: photos and styles that were on a disk."""


def sweep_folder(url: str) -> Path:
    """Where the ledger of a sweep into a store is, and what was painted here: on the disk, kept."""
    folders = platformdirs.user_data_path("impasto", appauthor=False) / "sweeps"
    return folders / hashlib.sha256(url.encode()).hexdigest()[:8] / PurePosixPath(url).name


def perform_there(
    job: SweepJob, url: str, folder: Path, paints: Paints, tell: Progress, keep: bool = True
) -> dict[str, Any]:
    """Does what `perform` does, in a folder on the disk, and puts the picture into the sweep's in the store.

    What is there already, from one who fell before it was noted, is not painted again.

    Args:
        job: what to paint.
        url: of the sweep's folder.
        folder: on the disk.
        paints: what painting needs.
        tell: takes the share that is done.
        keep: leaves the picture on the disk, too.

    Raises:
        StorageError: The store cannot be used.
        NstError: As `perform`.
    """
    path, target = folder / job.out, join(url, job.out)
    if not path.exists():
        with contextlib.suppress(Missing):
            fetch_to(target, path)
    record = perform(job, folder, paints, tell)
    record |= {"sha256": put(path, target)}
    if not keep:
        path.unlink()
    return record


def put(path: Path, url: str) -> str:
    """Publishes a file, unless it is there already; gives its SHA-256. Raises what `publish` does."""
    with contextlib.suppress(Missing):
        there = look(url)
        if there.size == path.stat().st_size and there.md5 == md5(path):
            return hashlib.sha256(path.read_bytes()).hexdigest()
    return publish(path, url)


def put_styles(styles: Iterable[StyleFile], url: str) -> list[StyleFile]:
    """The styles as all machines can read them: what is on a disk is put beside the sweep's pictures."""
    found: list[StyleFile] = []
    taken: dict[str, str] = {}
    for style in styles:
        if not is_url(style.path):
            # The name alone, so that a style that was learned anew is painted in its place; two of a name are told.
            same = taken.setdefault(style.name, style.sha256) == style.sha256
            parts = [INPUTS, "styles", *([] if same else [style.sha256[:16]]), os.path.basename(style.path)]
            target = join(url, "/".join(parts))
            put(Path(style.path), target)
            style = replace(style, path=target)
        found.append(style)
    return found


def put_photos(photos: Sequence[PhotoFile], url: str) -> list[PhotoFile]:
    """The photos as all machines can read them."""
    return [_put_photo(photo, url) for photo in photos]


def _put_photo(photo: PhotoFile, url: str) -> PhotoFile:
    if is_url(photo.path):
        return photo
    target = join(url, f"{INPUTS}/photos/{photo.sha256[:16]}/{os.path.basename(photo.path)}")
    put(Path(photo.path), target)
    return replace(photo, path=target)
