"""A place of a cluster where a style is learned: a process that starts the child there, and passes on what it tells.

It is on whatever machine, and knows nothing of what brings it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from nst_core.cluster import check_machine, versions
from nst_core.copies import origin
from nst_core.errors import ConfigError, ModelError, NstError
from nst_core.fetch import bring
from nst_core.files import is_disk_full
from nst_core.picture import READABLE_SUFFIXES
from train.machines import Machines
from train.night.child import Parted, learn_in_child
from train.style.job import StyleJob
from train.style.progress import Report

COMPARED = (
    "impasto", "numpy", "onnx", "onnxscript", "pillow", "pytorch-lightning", "pytorch-optimizer", "torch",
)  # fmt: skip
"""Packages whose versions decide the weights."""

Needs = Mapping[Path, str | None]
"""Files and folders that are there for whoever asks; and the URLs of those that are copies of what is in a store."""
What = Literal["here", "report", "done", "failed", "waits", "fallen", "full", "unfit"]


@dataclass(frozen=True)
class Duty:
    """What an easel has to know."""

    folder: Path
    """Of the run, its full path."""
    tokens: tuple[Path, ...]
    """Files in the folders that have to be shared, by which these are known as the same ones."""
    versions: str
    """That are to be learned with, as `train_versions` tells them."""
    machines: Machines
    styles: tuple[Path, str] | None = None
    """Their folder and its URL, where that is the copy of one in a store."""


@dataclass(frozen=True)
class Told:
    """What an easel tells."""

    what: What
    """`waits`: it was stopped; `fallen` has the process that learned, `full` is the disk, `unfit` the machine."""
    text: str = ""
    """The machine's name, or what is wrong."""
    report: Report | None = None
    result: Mapping[str, Any] | None = None


class Easel:
    """Has one style learned; `stop` and `end` may be called from other threads meanwhile."""

    def learn(
        self, duty: Duty, needs: Needs, name: str, spec: Mapping[str, Any], budget_s: float | None
    ) -> Iterator[Told]:
        """Tells where it is, how it goes, and last what has become of it.

        Args:
            duty: of the night.
            needs: of the job.
            name: of the job, and of its folder in the run's.
            spec: of the job.
            budget_s: seconds of training from now on; None for the job's steps.
        """
        try:
            host = check_machine(duty.tokens, COMPARED, duty.versions)
            if duty.styles:
                _check_copy(*duty.styles, host)
            for path, url in needs.items():
                _provide(path, url, host)
        except NstError as error:
            yield Told("unfit", str(error))
            return
        yield Told("here", host)
        reports = learn_in_child(StyleJob.from_spec(spec), duty.folder / name, budget_s, duty.machines)
        while True:
            try:
                told = Told("report", report=next(reports))
            except StopIteration as end:
                told = Told("done", result=end.value)
            except Parted:
                told = Told("waits")
            except ModelError as error:  # of the child itself, which tells what is wrong with its job otherwise
                told = Told("fallen", str(error))
            except NstError as error:
                told = Told("full" if is_disk_full(error) else "failed", str(error))
            yield told
            if told.what != "report":
                return

    def stop(self) -> None:
        """The child keeps its state, and ends."""
        for child in psutil.Process().children():
            child.terminate()

    def end(self) -> None:
        """The child ends at once."""
        for child in psutil.Process().children(recursive=True):
            child.kill()


def train_versions() -> str:
    """Of what decides the weights, here."""
    return versions(COMPARED)


def _provide(path: Path, url: str | None, host: str) -> None:
    """Finds a file or folder on this machine, or fetches it.

    Raises:
        ConfigError: It is not to be had under this path.
        StorageError: The store cannot be used from here.
    """
    if url:
        _check_copy(path, url, host)
        bring(url, READABLE_SUFFIXES)
    elif not path.exists():
        raise ConfigError(f"{host} does not see {path}; all machines have to share it, under the same path")


def _check_copy(path: Path, url: str, host: str) -> None:
    """Raises:
    ConfigError: What is in the store has its copy elsewhere here.
    """
    if origin(path) != url:
        raise ConfigError(f"{host} keeps copies of stores elsewhere; set IMPASTO_CACHE_DIR alike on all machines")
