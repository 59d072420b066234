"""The work of `impasto sweep`: from what is typed to the report, and how it is told meanwhile."""

import contextlib
import importlib.util
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from datetime import UTC, datetime
from pathlib import Path

from jsonargparse import Namespace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from impasto.results import check_writable, list_photos
from models.catalog import find_style, styles
from nst_core.awake import keep_awake
from nst_core.cluster import check_engine
from nst_core.errors import ConfigError
from nst_core.storage import check_url, is_url
from nst_core.until import parse_until
from studio.gallery.store import FILE, Store
from studio.sweep.engines import open_workers
from studio.sweep.finals import FinalOptions
from studio.sweep.job import PhotoFile, StyleFile
from studio.sweep.night import COMMAND, Event
from studio.sweep.plan import Settings, photo_files, style_files
from studio.sweep.remote import sweep_folder
from studio.sweep.report import REPORT, Step
from studio.sweep.stored import StoredSweep
from studio.sweep.survey import counts
from studio.sweep.sweep import Happening, Note, Phase, Sweep
from studio.sweep.workers import Workers

DONE, MENDABLE, STOPPED = 0, 2, 130
STATES = ("done", "failed", "running", "waiting")


def sweep_all(options: Namespace) -> int:
    """Sweeps all photos; gives the exit code.

    Raises:
        NstError: What one picture alone cannot mend.
    """
    if not options.photo:
        raise ConfigError("name photos to sweep: files, folders, or patterns; see impasto sweep --help")
    check_engine(options.engine, options.address)
    until = parse_until(options.until, datetime.now(UTC)) if options.until else None
    sweep = _open(options.out, _finals(options))
    chosen = style_files([find_style(name) for name in options.styles] if options.styles else styles())
    settings = Settings(tuple(options.strength), tuple(options.brush_size), tuple(options.color))
    photos = list_photos(options.photo, options.out)
    check_writable([sweep.folder / REPORT], [])
    with sweep.ledger.working(COMMAND, "-o"), keep_awake("sweeping photos through styles"), sweep.keeping():
        read = _read(photos)
        broken = [reason for reason in read if isinstance(reason, str)]
        total = _plan(sweep, [photo for photo in read if not isinstance(photo, str)], chosen, settings)
        _say(f"{_many(photos, 'photo')} in {_many(chosen, 'style')}: {total} proofs, into {sweep.where}")
        if sweep.url:
            _say(f"photos and styles that are on this disk go there, too; the ledger is in {sweep.folder}")
        try:
            with open_workers(
                options.engine, sweep.folder, options.provider, options.memory_limit or 0, until, options.address,
                _warn, sweep.url,
            ) as workers:  # fmt: skip
                return _follow(sweep, workers, broken)
        except KeyboardInterrupt:
            _report(sweep)
            _say(f"stopped; {_told(sweep)}; the same command goes on", sys.stderr)
            return STOPPED


def _open(out: str, finals: FinalOptions) -> Sweep:
    """The sweep in a folder, or in one of a store.

    Raises:
        ConfigError: It is a file.
    """
    if is_url(out):
        folder = sweep_folder(url := check_url(out))
        return StoredSweep(folder, finals, lambda: ratings(folder), url)
    if (folder := Path(out)).exists() and not folder.is_dir():
        raise ConfigError(f"-o {folder} is a file; name a folder")
    return Sweep(folder, finals, lambda: ratings(folder))


def _finals(options: Namespace) -> FinalOptions:
    """How proofs are finished.

    Raises:
        ConfigError: It cannot be done so, or not here.
    """
    chosen = FinalOptions(options.how, options.size, options.upscale, options.finals)
    if chosen.how != "fast" and chosen.which != "none":
        if importlib.util.find_spec("torch") is None:
            raise ConfigError(f"--how {chosen.how} needs torch; in the folder of Impasto, run: pip install '.[train]'")
        if set(options.brush_size) != {1.0} or "photo" in options.color:
            raise ConfigError(
                f"--how {chosen.how} needs the painting itself for --brush-size and --color photo, and a style's card "
                "holds what the optimizer goes by only; leave those out, or paint such by --how fast"
            )
    if chosen.upscale and chosen.which != "none":
        from studio.upscale.enlarge import open_enlarger  # what plain sweeps do without

        open_enlarger(chosen.upscale)  # what is missing shows now, not in the middle of the night
    return chosen


def _follow(sweep: Sweep, workers: Workers, broken: list[str]) -> int:
    """Tells how it goes."""
    failed = Counter(broken)
    for reason in broken:
        _say(f"impasto: {reason}; skipped", sys.stderr)
    with _bar() as bar, contextlib.closing(sweep.work(workers)) as events:
        for event in _shown(bar, events):
            if event.reason:
                if event.reason not in failed:  # a broken photo is said once, not for each style
                    _say(f"impasto: {event.reason}; skipped", sys.stderr)
                failed[event.reason] += 1
    _say(f"{sweep.where}/{REPORT}: {_told(sweep)}")
    waiting = sum(found["waiting"] for found in counts(sweep.ledger).values())
    if waiting and workers.out_of_time:
        _say(f"the time is up with {waiting} waiting; the same command goes on")
    if failed:
        _say(f"impasto: {sum(failed.values())} pictures could not be painted; see {sweep.where}/{REPORT}", sys.stderr)
    return MENDABLE if failed else DONE


def _read(photos: Sequence[Path | str]) -> list[PhotoFile | str]:
    with _bar() as bar:
        task = bar.add_task("reading photos", total=len(photos))
        return photo_files(photos, lambda count: bar.update(task, completed=count))


def _plan(sweep: Sweep, photos: Sequence[PhotoFile], styles: Sequence[StyleFile], settings: Settings) -> int:
    with _bar() as bar:
        task = bar.add_task("planning", total=None)
        return sweep.plan(photos, styles, settings, lambda done, total: bar.update(task, completed=done, total=total))


def _shown(bar: Progress, happenings: Iterable[Happening]) -> Iterator[Event]:
    """Shows what happens in the bar; gives the jobs that have ended."""
    task = bar.add_task("")
    for one in happenings:
        if isinstance(one, Event):
            bar.update(task, advance=1)
            yield one
        elif isinstance(one, Note):
            _say(one.text)
        elif isinstance(one, Step) and one.done:
            bar.update(task, completed=one.done)
        else:
            bar.remove_task(task)
            name, done = (one.name, one.done) if isinstance(one, Phase) else ("report", 0)
            task = bar.add_task(name, total=one.total, completed=done)


def _report(sweep: Sweep) -> None:
    """Writes the report after a Ctrl-C; another one leaves it as it was."""
    try:
        with _bar() as bar, contextlib.closing(sweep.reporting()) as steps:
            deque(_shown(bar, steps), maxlen=0)
    except KeyboardInterrupt:
        _say(f"{sweep.folder / REPORT} is as it was before", sys.stderr)


def show_status(options: Namespace) -> int:
    """Tells how far the sweep in a folder is; gives the exit code.

    Raises:
        ConfigError: There is none.
    """
    sweep = _open(options.out, FinalOptions())
    if isinstance(sweep, StoredSweep):
        sweep.look()
    if not sweep.ledger.path.exists():
        raise ConfigError(f"there is no sweep in {sweep.where}; begin one: impasto sweep PHOTOS -o {sweep.where}")
    worker = sweep.ledger.worker()
    _say(f"{sweep.where}: {_told(sweep)}" + (f"; process {worker} is at work" if worker else ""))
    reasons = Counter(reason for (reason,) in sweep.ledger.values(["reason"], "failed"))
    for reason, count in reasons.most_common():
        _say(f"failed{f' {count} times' if count > 1 else ''}: {reason}")
    return MENDABLE if reasons else DONE


def ratings(folder: Path) -> Mapping[str, str]:
    """What the artist thinks of the pictures in a folder; nothing where the gallery was never opened."""
    return Store(folder).picks() if (folder / FILE).exists() else {}


def _many(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" + ("s" if len(things) != 1 else "")


def _told(sweep: Sweep) -> str:
    """`160 proofs done, 12 finals done, 3 waiting`"""
    return ", ".join(
        f"{name} " + " ".join(f"{found[state]} {state}" for state in STATES if found[state])
        for name, found in counts(sweep.ledger).items()
        if any(found.values())
    )


def _bar() -> Progress:
    """A bar on stderr where it is a terminal, with the time left."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=sys.stdout.isatty())


def _warn(text: str) -> None:
    _say(text, sys.stderr)


def _say(text: str, file: object = None) -> None:
    print(text, file=file, flush=True)  # type: ignore[arg-type]
