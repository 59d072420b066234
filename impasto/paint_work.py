"""The work of `impasto paint`: photos in styles, as many at a time as there are cores."""

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from jsonargparse import Namespace

from models.catalog import Style
from nst_core.errors import BudgetError, ImageError, ModelError, NstError
from nst_core.fetch import fetch
from nst_core.memory import available_bytes
from nst_core.picture import Picture, read_picture, write_picture
from nst_core.storage import publish
from nst_core.storage_errors import Missing
from serve.engine import FREE_SHARE, Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions
from serve.record import is_painted_so, paint_settings

if TYPE_CHECKING:
    from impasto.refine import Refinement  # it needs torch
    from studio.upscale.enlarge import Enlarger

SAID_FROM_BYTES = 1_000_000_000
"""From this much memory on, how a picture will be painted is said first."""

PAINTED_SHARE = 0.15
"""Of the time that it takes to paint and to enlarge, that painting takes: measured with Waifu2x on a CPU."""


@dataclass(frozen=True)
class Job:
    """One photo in one style, and where the result goes."""

    photo: Path
    style: Style
    out: Path
    url: str | None = None
    """Where the result is put then, in a store."""

    @property
    def name(self) -> str:
        """Of the result, as the artist knows it."""
        return self.url or str(self.out)

    def there(self) -> Path:
        """What is where the result goes, fetched where that is in a store."""
        with contextlib.suppress(Missing):
            return fetch(self.url) if self.url else self.out
        return self.out


class Stopped(Exception):
    """Ends a painting in another thread."""


class Painter:
    """Paints jobs, as many at a time as there are cores; refined, one by one, as torch takes all cores for each.

    Args:
        options: of the command line.
        chosen: the engine's part of them.
        jobs: how many.
        refinement: of the strokes.
        enlarger: of what was painted.
    """

    def __init__(
        self,
        options: Namespace,
        chosen: PaintOptions,
        jobs: int,
        refinement: "Refinement | None" = None,
        enlarger: "Enlarger | None" = None,
    ) -> None:
        self.options, self.chosen, self.several = options, chosen, jobs > 1
        self.refinement, self.enlarger = refinement, enlarger
        cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
        self.workers = 1 if refinement else min(cores, jobs)
        memory = options.memory_limit or int(available_bytes() * FREE_SHARE)
        compute = ComputeOptions(options.provider, max(1, cores // self.workers))
        self.engine = Engine(compute, memory_limit=memory // self.workers)
        self.read = functools.lru_cache(self.workers + 1)(self._read)  # a photo's jobs come one after another
        self.tell: Any = lambda **changes: None
        self.done_before = 0
        self._shares: dict[Path, float] = {}
        self._stopped = threading.Event()

    def paint_all(self, jobs: Sequence[Job]) -> Iterator[str | NstError]:
        """For each job, in order, a line about it, or what went wrong; nothing for one that was done before."""
        with ThreadPoolExecutor(self.workers) as pool:
            futures = [pool.submit(self._outcome, job) for job in jobs]
            try:
                for future in futures:
                    if outcome := future.result():
                        yield outcome
            finally:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)

    def _outcome(self, job: Job) -> str | NstError | None:
        try:
            return self._paint(job)
        except (ImageError, BudgetError, ModelError) as error:
            return error
        finally:
            self._progress(job, 1.0)

    def _paint(self, job: Job) -> str | None:
        """Paints a photo and writes the result, with all that made it inside."""
        photo = self.read(job.photo)
        refined = self.refinement and self.refinement.settings
        enlarged = self.enlarger and self.enlarger.settings
        if self.several and is_painted_so(job.there(), photo, job.style, self.chosen, refined, enlarged):
            self.done_before += 1
            return None
        if not self.several and self.engine.plan(photo, job.style, self.chosen).peak_bytes > SAID_FROM_BYTES:
            print(self._plan(photo, job), file=sys.stderr)
        start = time.perf_counter()
        retouch = self.refinement and self.refinement.retouch(job.style, self.chosen)
        share = PAINTED_SHARE if self.enlarger else 1.0
        picture = self.engine.stylize(
            photo, job.style, self.chosen, lambda done: self._progress(job, done * share), retouch
        )
        if self.enlarger:
            picture = self.enlarger.enlarge(picture, lambda done: self._progress(job, share + done * (1 - share)))
        seconds = time.perf_counter() - start
        settings = paint_settings(photo, job.style, self.chosen, seconds, refined, enlarged)
        write_picture(picture, job.out, settings=settings, quality=self.options.quality, bits=self.options.bits)
        if job.url:
            publish(job.out, job.url)
            job.out.unlink()
        shallow = ", 8 bits, as Waifu2x knows no more" if picture.bit_depth < photo.bit_depth else ""
        return f"{job.name}: {picture.width}x{picture.height} px{shallow}, {seconds:.2f} s"

    def _plan(self, photo: Picture, job: Job) -> str:
        plan = self.engine.plan(photo, job.style, self.chosen)
        sizes = [f"{width}x{height} px" for width, height in (plan.size, plan.levels[0], plan.levels[-1])]
        memory = f"{plan.peak_bytes / 1e9:.1f} GB"
        return f"{job.out.name}: {sizes[0]}, strokes painted at {sizes[1]}, detail at {sizes[2]}, in about {memory}"

    def _read(self, photo: Path) -> Picture:
        picture = read_picture(photo, max_pixels=round(self.options.max_megapixels * 1e6))
        return picture.with_bits(self.options.bits or picture.bit_depth)

    def _progress(self, job: Job, share: float) -> None:
        if self._stopped.is_set() and share < 1:
            raise Stopped
        self._shares[job.out] = share
        self.tell(completed=sum(self._shares.copy().values()))
