"""The page's trainings, free of Gradio: paintings put into a queue that lasts, and how they are coming along."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from models.catalog import SUFFIX, shipped_folder, user_folder
from nst_core.errors import ImageError
from nst_core.files import atomic_path, sha256
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from nst_core.picture import READABLE_SUFFIXES, Picture, fit_long_side, read_picture
from train.night.work import LEDGER, Now, read_now
from train.style.job import StyleJob, describe, shipped_base
from train.style.options import SMALLEST_PAINTING_PX, StyleOptions
from train.style.progress import Report

PAINTINGS = "paintings"
"""In the folder of the trainings: copies of what was dropped."""
NAME_LENGTH = 60
"""Of a style, characters; its title may be longer."""


@dataclass(frozen=True)
class State:
    """How the trainings are at a moment."""

    jobs: tuple[Job, ...]
    at_work: bool
    now: Now | None
    """Of the night at work, or else of the last one."""

    @property
    def current(self) -> Job | None:
        """The one that is being learned."""
        running = [job for job in self.jobs if job.state == "running"]
        return running[0] if self.at_work and running else None

    @property
    def report(self) -> Report | None:
        """How far that is."""
        return self.now.report if self.now and self.current and self.now.job == self.current.name else None

    @property
    def waiting(self) -> list[Job]:
        """In the order in which they will be learned; what was cut off is among them."""
        waiting = [job for job in self.jobs if job.state == "waiting" or (job.state == "running" and not self.at_work)]
        return sorted(waiting, key=lambda job: (job.begun is None, job.id))


def training_folder() -> Path:
    """Where the page's trainings are; the environment variable IMPASTO_TRAINING_DIR names another folder."""
    chosen = os.environ.get("IMPASTO_TRAINING_DIR")
    return Path(chosen) if chosen else platformdirs.user_data_path("impasto", appauthor=False) / "training"


class Trainings:
    """A folder of trainings, shared by all who have the page open; `impasto train --run` takes it, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.ledger = Ledger(self.folder / LEDGER)
        self._lock = threading.Lock()

    def look(self) -> State:
        """How they are now.

        Raises:
            NstError: the ledger cannot be read.
        """
        at_work = self.ledger.worker() is not None
        return State(tuple(self.ledger.jobs()), at_work, read_now(self.folder))

    def add(
        self,
        paintings: Mapping[Path, Mapping[str, str]],
        photos: Path | None,
        options: StyleOptions = StyleOptions(),  # noqa: B008 - it is frozen
    ) -> list[Job]:
        """Puts paintings at the end of the queue; if one cannot be read, none.

        Each gets a name that no other style and no other training has, and its file is copied, as what a browser
        sends does not last.

        Args:
            paintings: files, with `title`, `artist` and `license` as far as they are known.
            photos: folder to learn on; None for the photos of scikit-image.
            options: how they are learned.

        Raises:
            ImageError: one cannot be read, or is too small; the message names it.
            NstError: the disk is full, or the folder cannot be written to.
        """
        for path in paintings:
            read_painting(path, options)
        base = shipped_base(options.network)
        base_sha256 = sha256(base) if base else None
        jobs = []
        with self._lock:
            for path, about in paintings.items():
                described = describe(path, about)
                name = self._free_name(described.name[:NAME_LENGTH])
                copy = self.folder / PAINTINGS / (name + _suffix(path))
                with atomic_path(copy) as temporary:
                    shutil.copyfile(path, temporary)
                painting = replace(described, path=copy, name=name)
                output = user_folder().resolve() / f"{name}{SUFFIX}"
                job = StyleJob(name, painting.title, (painting,), options, photos, base, base_sha256, output)
                jobs.append(self.ledger.add(name, job.to_spec()))
        return jobs

    def _free_name(self, name: str) -> str:
        """The name, with a number where something has it already, so that nothing is replaced."""
        styles = [path for folder in (shipped_folder(), user_folder()) for path in folder.glob(f"*{SUFFIX}")]
        taken = {entry.name for entry in self.folder.glob("*")} | {job.name for job in self.ledger.jobs()}
        taken |= {path.name.removesuffix(SUFFIX) for path in styles}
        taken |= {path.name.removesuffix(_suffix(path)) for path in (self.folder / PAINTINGS).glob("*")}
        taken = {entry.casefold() for entry in taken}  # some file systems know no capitals
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            free = f"{name}_{number}"
        return free

    def remove(self, name: str) -> Job:
        """Forgets a training, gives it, and deletes what belongs to it; a finished style stays.

        Raises:
            ConfigError: there is none of that name, or it is being learned.
        """
        job = self.ledger.remove(name)
        shutil.rmtree(self.folder / job.name, ignore_errors=True)
        for painting in job.spec["paintings"]:
            if (path := Path(painting["path"])).parent == self.folder / PAINTINGS:
                path.unlink(missing_ok=True)
        return job


def read_painting(path: Path, options: StyleOptions = StyleOptions()) -> Picture:  # noqa: B008 - it is frozen
    """A painting that was dropped.

    Raises:
        ImageError: it cannot be read, or is too small; the message has its name, not where it happens to be.
    """
    try:
        picture = read_picture(path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), path.name)) from error
    wanted = min(round(options.size * options.brush_size), max(picture.width, picture.height))
    if min(fit_long_side(picture.width, picture.height, wanted)) < SMALLEST_PAINTING_PX:
        raise ImageError(
            f"{path.name} has {picture.width}x{picture.height} px, too few to learn from; "
            f"give one of {SMALLEST_PAINTING_PX} or more on each side, and not as long and narrow"
        )
    return picture


def _suffix(path: Path) -> str:
    return path.suffix if path.suffix.lower() in READABLE_SUFFIXES else ""
