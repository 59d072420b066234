"""The work of `impasto compare`: each photo in each style, from its files to its report."""

import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from impasto.results import check_writable, find_photos, free_names
from models.catalog import Style, find_style
from nst_core.duration import duration
from nst_core.errors import BudgetError, ConfigError, ImageError, NstError
from nst_core.picture import read_picture
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.compare.comparison import Comparison
from studio.compare.judges import choose_device, load_judges
from studio.compare.options import CompareOptions
from studio.compare.race import Race
from studio.compare.report import PAGE, write_report
from studio.compare.report_words import headline
from studio.compare.summary import write_summary

DONE, MENDABLE = 0, 2


@dataclass(frozen=True)
class Job:
    """One photo in one style, and the folder of its report."""

    photo: Path
    style: Style
    folder: Path


def compare_all(options: Namespace, chosen: CompareOptions) -> int:
    """Compares all photos in all styles; gives the exit code.

    Raises:
        NstError: What one photo alone cannot mend, or the only photo's own error.
    """
    styles = {style.path.resolve(): style for style in map(find_style, options.style)}
    if options.painting and len(styles) > 1:
        raise ConfigError("--painting belongs to one style; give one --style with it")
    painting = read_picture(options.painting) if options.painting else None
    device = choose_device(options.device)
    judges = load_judges(chosen.network, painting is not None, device)
    jobs = plan_jobs(options, list(styles.values()))
    check_writable([Path(options.out) / PAGE], [job.photo for job in jobs])
    engine = Engine(ComputeOptions(options.provider), memory_limit=options.memory_limit or 0)
    enter = functools.partial(
        Race, options=chosen, engine=engine, judges=judges, painting=painting, device=device,
        limit_bytes=options.memory_limit or 0,
    )  # fmt: skip
    done: list[tuple[Comparison, Path]] = []
    for number, job in enumerate(jobs, 1):
        try:
            race = enter(read_picture(job.photo), job.style)
            run_race(race, f"{job.photo.name}, {job.style.name}" + (f" ({number} of {len(jobs)})" if jobs[1:] else ""))
            comparison = race.comparison()
            report = write_report(comparison, job.folder)
        except (ImageError, BudgetError) as error:
            if len(jobs) == 1:
                raise
            print(f"impasto: {error}; skipped", file=sys.stderr)
            continue
        equal = headline(comparison.measured_under, comparison.equal, comparison.speed_up, "on this picture")
        print(f"{report}: {equal}", flush=True)
        done.append((comparison, report))
    if len(jobs) > 1 and done:
        comparisons, reports = zip(*done, strict=True)
        print(write_summary(comparisons, Path(options.out), reports))
    if missing := len(jobs) - len(done):
        print(f"impasto: {missing} of {len(jobs)} could not be compared", file=sys.stderr)
    return MENDABLE if missing else DONE


def plan_jobs(options: Namespace, styles: Sequence[Style]) -> list[Job]:
    """Each photo in each style, and where its report goes: into a folder of its own if there are several.

    Raises:
        ConfigError: The folder is a file.
        ImageError: There is no such photo.
    """
    out = Path(options.out)
    if out.exists() and not out.is_dir():
        raise ConfigError(f"-o {out} is a file; name a folder")
    pairs = [(photo, style) for photo in find_photos(options.photo, options.out) for style in styles]
    if len(pairs) == 1:
        return [Job(*pairs[0], out)]
    names = free_names(f"{photo.stem}-{style.name}" for photo, style in pairs)
    return [Job(*pair, out / name) for pair, name in zip(pairs, names, strict=True)]


def run_race(race: Race, title: str) -> None:
    """Runs the optimizer, with a bar on a terminal.

    Raises:
        KeyboardInterrupt: Ctrl-C; what is done is kept.
    """
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[state]}"))
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(title, total=race.iterations_left, state="")
            for step in race.run():
                state = f"loss {step.point.losses.total:.3f}  {duration(step.seconds_left)} left"
                bar.update(task, advance=1, state=state)
    except NstError as error:
        raise type(error)(f"{title}: {error}") from error
