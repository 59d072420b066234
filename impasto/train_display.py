"""How a night goes: bars with the time left on a terminal, plain lines elsewhere; and its state as a table."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from nst_core.duration import duration
from nst_core.errors import ConfigError
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from train.night.queue import Event

PLAIN_EVERY_S = 60.0
"""Between two plain lines."""


class Display:
    """Shows on stderr how far the night and each style that is being learned are, and a style that ends as a line."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.plain = not self.console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"))
        self.bars = Progress(*columns, console=self.console, transient=True, disable=self.plain)
        self.night = self.bars.add_task("the night", total=None, visible=False, state="")
        self.styles: dict[str, TaskID] = {}
        """Bars of those that are being learned."""
        self.shares: dict[str, float] = {}
        """How far those are, and those that have ended."""
        self.last_line: dict[str, float] = {}

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *args: object) -> None:
        self.bars.stop()

    @contextlib.contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """A bar for work of which a number is done; it appears with the first call."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True, disable=self.plain) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def show(self, event: Event) -> None:
        """What has just happened."""
        name = event.job.name
        if event.kind == "begun":
            self.bars.start()
            self.styles[name] = self.bars.add_task(name, total=1.0, state="starting")
            self.shares[name] = 0.0
        elif event.kind == "progress":
            self._progress(event)
        else:
            self.bars.remove_task(self.styles.pop(name))
            if event.kind == "waits":
                del self.shares[name]
            else:
                self.shares[name] = 1.0
                self._line(event.job)
        count = len(self.shares) + event.waiting
        ends = f"ends {_clock(event.ends)}" if event.ends else ""
        done, state = sum(self.shares.values()), f"{len(self.shares) - len(self.styles)} of {count} done  {ends}"
        self.bars.update(self.night, total=count, completed=done, visible=count > 1, state=state)

    def _progress(self, event: Event) -> None:
        """A style's bar, or a line for it now and then."""
        name, report = event.job.name, event.report
        where = f" on {event.host}" if event.host else ""
        if report is None:
            self.bars.update(self.styles[name], description=name + where)
            return
        done = f"step {report.step}" + (f" of {report.steps}" if report.steps else "")
        left = report.seconds * (1 - report.share) / report.share if report.share > 0.01 else None
        parts = [done, f"style {report.figures.get('style', 0):.2f}"]
        parts += [f"{duration(left)} left"] if left is not None else []
        self.shares[name] = report.share
        self.bars.update(self.styles[name], description=name + where, completed=report.share, state="  ".join(parts))
        if self.plain and time.monotonic() - self.last_line.get(name, -PLAIN_EVERY_S) >= PLAIN_EVERY_S:
            self.last_line[name] = time.monotonic()
            parts += [f"night ends {_clock(event.ends)}"] if event.ends else []
            print(f"{name}{where}: {', '.join(parts)}", file=sys.stderr)

    def _line(self, job: Job) -> None:
        if job.state == "done" and job.result:
            figures = job.result["figures"]
            j = f", J {figures['J']:.2f}" if "J" in figures else ""
            text = f"{job.name}: {job.result['steps']} steps in {duration(job.seconds)}{j}"
        else:
            text = f"{job.name}: failed: {job.reason}"
        self.console.print(text, markup=False, soft_wrap=True)

    def summary(self, jobs: Sequence[Job], folder: Path) -> None:
        """The end: how many are done, and what to do next."""
        self.bars.stop()
        done = [job for job in jobs if job.state == "done"]
        waiting = [job for job in jobs if job.state in ("waiting", "running")]
        print(f"{len(done)} of {len(jobs)} learned; see {folder / 'report.html'}")
        if waiting:
            print(f"{len(waiting)} are waiting; the same command again goes on with them")
        if done:
            print(f"now: impasto paint PHOTO --style {done[-1].name}")


def print_status(folder: Path) -> int:
    """The table of a run's jobs; gives the exit code.

    Raises:
        ConfigError: there is no run.
    """
    path = folder / "ledger.sqlite"
    if not path.is_file():
        raise ConfigError(f"{folder} holds no run; begin one with impasto train PAINTING, or name it with --run")
    table = Table("style", "state", "time", "what", box=None, pad_edge=False)
    ledger = Ledger(path)
    for job in ledger.jobs():
        state = "cut off" if job.state == "running" and ledger.worker() is None else job.state
        table.add_row(job.name, state, duration(job.seconds) if job.seconds else "", _what(job))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 1000
    console.print(table)
    return 0


def _what(job: Job) -> str:
    """The figures of what is done, how far what is running is, why what failed did."""
    if job.state == "failed":
        return job.reason or ""
    if job.result:
        return "  ".join(f"{name} {value:.2f}" for name, value in job.result["figures"].items())
    if job.progress:
        step = f"step {job.progress['step']}, {job.progress['share']:.0%}" if "step" in job.progress else "starting"
        return step + (f" on {job.progress['host']}" if job.state == "running" and "host" in job.progress else "")
    return ""


def _clock(when: datetime) -> str:
    return when.astimezone().strftime("%H:%M")
