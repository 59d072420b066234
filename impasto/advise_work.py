"""The work of `impasto advise`: each picture looked at, then the table, the page and the files."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from impasto.results import check_writable, free_names
from impasto.stores import local
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import find_pictures, read_picture
from studio.advise.advice import Advice, AdviseOptions, advise
from studio.advise.report import article, write_crops, write_json, write_page

DONE, MENDABLE = 0, 2
PIPED_WIDTH = 1000
"""Columns where there is no terminal to fit into."""
COLORS = {"good": "green", "texture": "green", "works": "yellow"}


@dataclass(frozen=True)
class _Done:
    """What is kept of a picture: a folder of them would not fit in memory."""

    advice: Advice
    article: str
    crops: Sequence[Path]


def advise_all(options: Namespace) -> int:
    """Looks at all pictures; gives the exit code.

    Raises:
        NstError: What one picture alone cannot mend, or the only picture's own error.
    """
    if options.crops and options.no_crops:
        raise ConfigError("--crops FOLDER writes crops, and --no-crops looks for none; leave one of them out")
    paths = find_pictures(local(options.images))
    if not paths:
        raise ImageError(f"there is no picture in {', '.join(options.images)}")
    files = [Path(file) for file in (options.json, options.html) if file]
    check_writable(files, paths)
    skipped: dict[Path, str] = {}
    done = sorted(_look_at_all(paths, options, skipped), key=lambda one: -one.advice.score)
    for reason in skipped.values():
        print(f"impasto: {reason}; skipped", file=sys.stderr)
    advices = [one.advice for one in done]
    if advices:
        _print(advices)
    for path in (path for one in done for path in one.crops):
        print(path)
    if options.json:
        write_json(advices, Path(options.json), [*skipped.values()])
        print(options.json)
    if options.html and advices:
        write_page(advices, [one.article for one in done], Path(options.html))
        print(options.html)
    if skipped:
        print(f"impasto: {len(skipped)} of {len(paths)} could not be looked at", file=sys.stderr)
    return MENDABLE if skipped else DONE


def _look_at_all(paths: Sequence[Path], options: Namespace, skipped: dict[Path, str]) -> Iterator[_Done]:
    """What came of each picture, with a bar on a terminal; what cannot be looked at is added to `skipped`.

    Raises:
        ImageError: The only picture cannot be looked at.
        NstError: The crops cannot be written.
    """
    chosen = AdviseOptions(options.size, 0 if options.no_crops else AdviseOptions.crops)
    names = free_names(path.stem for path in paths)
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(paths))
        for path, name in zip(paths, names, strict=True):
            bar.update(task, description=path.name)
            try:
                looked = advise(read_picture(path), options["as"], chosen)
            except ImageError as error:
                if len(paths) == 1:
                    raise
                skipped[path] = str(error)
            else:
                crops = write_crops(looked, Path(options.crops), name) if options.crops else []
                yield _Done(looked.advice, article(looked) if options.html else "", crops)
            bar.advance(task)


def _print(advices: Sequence[Advice]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    columns = (
        Column("score", justify="right", no_wrap=True),
        Column("picture", overflow="fold"),
        Column("verdict", overflow="fold"),
        Column("crops", no_wrap=True),
    )
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for advice in advices:
        verdict = Text(str(advice.verdict), COLORS.get(advice.verdict.kind, "red"))
        if advice.verdict.instead:
            verdict.append(f"; better as {advice.verdict.instead}", "default")
        crops = ", ".join(f"{crop.score:.0f}" for crop in advice.crops)
        table.add_row(Text(f"{advice.score:.0f}"), Text(advice.name), verdict, Text(crops))
    console.print(table)
    if len(advices) == 1:
        console.print(_reasons(advices[0]))


def _reasons(advice: Advice) -> Table:
    columns = ("", Column("figure", justify="right"), Column("speaks for it", justify="right"), "")
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for reason in advice.reasons:
        table.add_row(reason.name, f"{reason.figure:.2f}", f"{reason.good:.0%}", reason.text)
    for number, crop in enumerate(advice.crops, 1):
        box = crop.box
        where = f"{box.right - box.left} × {box.bottom - box.top} px from {box.left}, {box.top}"
        table.add_row(f"crop {number}", f"{crop.score:.0f}", "", Text(f"{where}; {crop.verdict}"))
    return table
