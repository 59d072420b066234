"""What painting a sweep needs, kept ready: the engine with its networks, the photos, the styles."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import psutil

from models.catalog import Style, read_style
from nst_core.errors import ImageError, ModelError
from nst_core.fetch import fetch
from nst_core.memory import available_bytes
from nst_core.picture import Picture, fit_long_side, read_picture
from nst_core.storage import is_url
from nst_core.storage_errors import Missing
from serve.engine import FREE_SHARE, Engine
from serve.providers import ComputeOptions, ProviderChoice
from serve.record import paint_settings
from serve.work import Progress
from studio.sweep.job import PhotoFile, StyleFile, SweepJob

T = TypeVar("T")

PHOTOS_BYTES = 400_000_000
"""That photos which are kept ready may take together, at the size that they are painted at; at least one is kept."""


def count_cores() -> int:
    """Of this machine; two threads that share one count once."""
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


class Workshop:
    """Paints jobs, as many at a time as there are cores; may be shared among threads.

    Args:
        provider: that computes the networks.
        memory_limit: bytes that the program may take; 0 is most of what is free.
        cores: that it may use; 0 is all that the machine has.
    """

    def __init__(self, provider: ProviderChoice = "auto", memory_limit: int = 0, cores: int = 0) -> None:
        self.cores = cores or count_cores()
        self._memory_limit = memory_limit or int(available_bytes() * FREE_SHARE)
        self.engine = Engine(ComputeOptions(provider, threads=1), self._memory_limit // self.cores)
        self._painting = threading.Semaphore(self.cores)
        self._one = threading.Lock()  # the optimizer takes all cores for each picture
        self._photos: _Kept[Picture] = _Kept(lambda photo: photo.pixels.nbytes, PHOTOS_BYTES)
        self._styles: _Kept[Style] = _Kept(lambda style: 1, 1000)

    def style(self, job: SweepJob) -> Style:
        """The job's style.

        Raises:
            ModelError: It cannot be read, or is not the one that the job was made for.
        """
        return self._styles.get((job.style.path, job.style.sha256), lambda: self._read_style(job))

    def photo(self, job: SweepJob, style: Style) -> Picture:
        """The job's photo; for a proof reduced to what the network sees of it, once for all of its proofs.

        Raises:
            ImageError: It cannot be read, or is not the one that the job was made for.
        """
        long_side = 0
        if job.kind == "proof":
            long_side = max(job.options.size, round(style.card.size_px / job.options.brush_size))
        key = (job.photo.path, job.photo.sha256, long_side)
        return self._photos.get(key, lambda: _read_photo(job, long_side))

    def paint(self, job: SweepJob, photo: Picture, style: Style, tell: Progress) -> tuple[Picture, dict[str, Any]]:
        """The picture, and the settings to be kept inside it; raises what `perform` does."""
        if job.how == "optimize":
            from studio.sweep.optimized import optimize_final  # it needs torch, which all else does without

            with self._one:
                picture, settings = optimize_final(job, photo, style, self._memory_limit, tell)
        else:
            with self._painting:
                began = time.perf_counter()
                picture = self.engine.stylize(photo, style, job.options, tell)
                settings = paint_settings(photo, style, job.options, time.perf_counter() - began)
        if job.upscale:
            from studio.upscale.enlarge import open_enlarger  # what it needs is not always installed

            with self._one:
                enlarger = open_enlarger(job.upscale, memory_limit=self._memory_limit)
                picture = enlarger.enlarge(picture)
            settings["upscale"] = dict(enlarger.settings)
        return picture, settings

    def _read_style(self, job: SweepJob) -> Style:
        try:
            style = read_style(_fetched(job.style))
        except Missing as error:
            raise ModelError(str(error)) from error
        if style.sha256 != job.style.sha256:
            raise ModelError(f"{job.style.path} has changed since the sweep was planned; run the same command again")
        return replace(style, name=job.style.name)


def _read_photo(job: SweepJob, long_side: int) -> Picture:
    try:
        path = _fetched(job.photo)
        photo = read_picture(path)
    except Missing as error:
        raise ImageError(str(error)) from error
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), job.photo.path)) from error
    if photo.sha256 != job.photo.sha256:
        raise ImageError(f"{job.photo.path} has changed since the sweep was planned; run the same command again")
    if not long_side:
        return photo
    if long_side < max(photo.width, photo.height):
        photo = photo.resized(*fit_long_side(photo.width, photo.height, long_side))
    return photo.with_bits(8)


def _fetched(file: PhotoFile | StyleFile) -> Path:
    """A file on this disk."""
    return fetch(file.path, file.sha256) if is_url(file.path) else Path(file.path)


class _Kept(Generic[T]):
    """Things that were used last, made once, up to a size; may be shared among threads.

    Args:
        size_of: gives what one takes.
        room: for all of them; one is kept whatever it takes.
    """

    def __init__(self, size_of: Callable[[T], int], room: int) -> None:
        self._size_of, self._room = size_of, room
        self._things: OrderedDict[tuple[Any, ...], T] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def get(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """The thing of a key, made where it is not kept."""
        if (found := self._find(key)) is not None:
            return found
        with self._making:  # the jobs of a photo come one after another: others wait rather than read it, too
            if (found := self._find(key)) is not None:
                return found
            thing = make()
        with self._lock:
            self._things[key] = thing
            while len(self._things) > 1 and sum(map(self._size_of, self._things.values())) > self._room:
                self._things.popitem(last=False)
        return thing

    def _find(self, key: tuple[Any, ...]) -> T | None:
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
            return self._things.get(key)
