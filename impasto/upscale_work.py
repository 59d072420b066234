"""The work of `impasto upscale`: picture after picture, each with all the cores."""

import functools
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace
from rich.progress import Progress as ProgressBar
from rich.progress import TaskID

from impasto.progress import progress_bar
from impasto.results import check_writable, find_photos, folder_within, free_names, result_paths
from nst_core.errors import BudgetError, ImageError, ModelError
from nst_core.files import sha256
from nst_core.picture import Picture, read_picture, write_picture
from studio.upscale.enlarge import Enlarger, open_enlarger
from studio.upscale.record import is_enlarged_so, repaint_command, upscale_settings
from studio.upscale.tiles import Progress

DONE, MENDABLE = 0, 2


@dataclass(frozen=True)
class Job:
    """One picture, and where it goes."""

    picture: Path
    out: Path


def upscale_all(options: Namespace) -> int:
    """Enlarges all pictures; gives the exit code.

    Raises:
        NstError: What one picture alone cannot mend, or the only picture's own error.
    """
    jobs = plan_jobs(options)
    enlarger = open_enlarger(options.factor, options.method, options.memory_limit or 0, options.noise)
    check_writable((job.out for job in jobs), (job.picture for job in jobs))
    if enlarger.note:
        print(f"impasto: {enlarger.note}", file=sys.stderr)
    several, done_before, failed, repaint = len(jobs) > 1, 0, 0, None
    with progress_bar() as bar:
        task = bar.add_task("enlarging", total=len(jobs))
        for number, job in enumerate(jobs):
            try:
                if several and _is_done(job, enlarger):
                    done_before += 1
                    continue
                picture = read_picture(job.picture)
                print(_upscale(picture, job, enlarger, functools.partial(_tell, bar, task, number)), flush=True)
                repaint = repaint or repaint_command(picture, options.factor)
            except (ImageError, BudgetError, ModelError) as error:
                if not several:
                    raise
                print(f"impasto: {error}; skipped", file=sys.stderr)
                failed += 1
            finally:
                _tell(bar, task, number, 1.0)
    if repaint:
        print(f"to paint {'the first of them' if several else 'it'} as large instead: {repaint}")
    if done_before:
        print(f"{done_before} of {len(jobs)} were there already, enlarged with the same options")
    if failed:
        print(f"impasto: {failed} of {len(jobs)} pictures could not be enlarged", file=sys.stderr)
    return MENDABLE if failed else DONE


def plan_jobs(options: Namespace) -> list[Job]:
    """Each picture, and where it goes.

    Raises:
        ConfigError: A name does not fit: a file for several pictures, or an unknown format.
        ImageError: There is no such picture.
    """
    out = options.out or "."
    pictures = find_photos(options.picture, out)
    wanted = (folder_within(path, options.picture) / f"{path.stem}-x{options.factor}" for path in pictures)
    names = free_names(map(str, wanted))
    return [Job(*pair) for pair in zip(pictures, result_paths(out, names, None), strict=True)]


def _is_done(job: Job, enlarger: Enlarger) -> bool:
    """Whether an earlier run did this, found out without decoding anything."""
    return job.out.is_file() and is_enlarged_so(job.out, job.picture.name, sha256(job.picture), enlarger)


def _upscale(picture: Picture, job: Job, enlarger: Enlarger, tell: Progress) -> str:
    """Enlarges a picture and writes it; gives a line about it."""
    start = time.perf_counter()
    large = enlarger.enlarge(picture, tell)
    seconds = time.perf_counter() - start
    write_picture(large, job.out, settings=upscale_settings(picture, enlarger, seconds))
    shallow = ", 8 bits, as Waifu2x knows no more" if large.bit_depth < picture.bit_depth else ""
    return f"{job.out}: {large.width}x{large.height} px{shallow}, {seconds:.2f} s"


def _tell(bar: ProgressBar, task: TaskID, number: int, share: float) -> None:
    bar.update(task, completed=number + share)
