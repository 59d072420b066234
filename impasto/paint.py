"""`impasto paint`: paints photos in finished styles, at once."""

import functools
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
import psutil
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from impasto import values
from impasto.compute import add_compute
from impasto.results import check_writable, find_photos, folder_within, free_names, result_paths
from models.card import STRENGTH_RANGE
from models.catalog import Style, find_style
from nst_core.errors import BudgetError, ImageError, ModelError, NstError
from nst_core.memory import available_bytes
from nst_core.picture import MAX_PIXELS, Picture, read_picture, write_picture
from serve.engine import FREE_SHARE, Engine
from serve.paint_options import BRUSH_RANGE, PaintOptions
from serve.providers import ComputeOptions
from serve.record import is_painted_so, paint_settings

EXAMPLES = """\
examples:
  impasto paint cat.jpg --style starry_night                    writes cat-starry_night.png here
  impasto paint cat.jpg --style starry_night --strength 0.6 --color photo -o painted.jpg
  impasto paint photos/ 'more/*.jpg' --style udnie --style great_wave -o painted/
  impasto paint cat.jpg --style starry_night --brush-size 2     broader strokes, at any size of the result
  impasto paint cat.jpg --style six.onnx --weights 1,0,0,2,0,0  a style of six paintings, two of them mixed
  impasto paint cat.tif --style udnie --size 2048 --bits 16 -o cat_udnie.tif

Styles are named as `impasto styles` lists them, or by the path of an .onnx file. The folders of a folder are kept;
of several pictures, those that an earlier run painted with the same options are not painted again. Exit code: 0 done,
2 something to mend (of several pictures, those that could be painted are), 130 stopped.
"""

DONE, MENDABLE = 0, 2
SAID_FROM_BYTES = 1_000_000_000
"""From this much memory on, how a picture will be painted is said first."""


@dataclass(frozen=True)
class Job:
    """One photo in one style, and where the result goes."""

    photo: Path
    style: Style
    out: Path


def build_parser() -> ArgumentParser:
    """The command's options; those of painting come from `PaintOptions`."""
    parser = ArgumentParser(
        prog="impasto paint", description="Paint photos in finished styles, at once.", epilog=EXAMPLES
    )
    add = parser.add_argument
    add("photo", nargs="+", metavar="PHOTO", help="photos: files, folders, or patterns like 'photos/*.jpg'")
    add(
        "--style", action="append", required=True, metavar="NAME", type=str,
        help="a style; may be given again, each photo is painted in each",
    )  # fmt: skip
    add("-o", "--out", type=str, help="the result (.png .jpg .webp .tif), or a folder (default: the current one)")
    _add_painting(parser)
    add_compute(parser)
    add = parser.add_argument_group("Output").add_argument
    add("--bits", metavar="8|16", type=values.bits, help="bits a channel; 16 for .png and .tif (default: the photo's)")
    add(
        "--quality", metavar="N", type=values.number("--quality", 1, 100, whole=True), default=92,
        help="of .jpg and .webp, 1 to 100 (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-megapixels", metavar="N", type=values.number("--max-megapixels", 0.001, 1e6), default=MAX_PIXELS / 1e6,
        help="refuse larger photos (default: %(default)s)",
    )  # fmt: skip
    return parser


def _add_painting(parser: ArgumentParser) -> None:
    """One option for each field of `PaintOptions`, its docstring as help."""
    group = parser.add_argument_group("Painting")
    hints = get_type_hints(PaintOptions)
    docs = {param.arg_name: param.description for param in docstring_parser.parse_from_object(PaintOptions).params}
    texts = {"size": "Long side of the result, pixels (default: the photo's own)."}
    kinds = {
        "size": values.long_side,
        "strength": values.number("--strength", *STRENGTH_RANGE),
        "brush_size": values.number("--brush-size", *BRUSH_RANGE),
        "weights": _weights,
    }
    metavars = {"size": "PX", "strength": "N", "brush_size": "N", "weights": "W,W,..."}
    for field in fields(PaintOptions):
        option = "--" + field.name.replace("_", "-")
        text = " ".join((texts.get(field.name) or docs[field.name] or "").split()).rstrip(".")
        if field.default and field.name not in texts:
            text += " (default: %(default)s)"
        choices = get_args(hints[field.name]) if field.name not in kinds else None
        more: dict[str, Any] = {"choices": list(choices)} if choices else {"type": kinds[field.name]}
        group.add_argument(option, default=field.default, help=text, metavar=metavars.get(field.name), **more)


def _weights(value: Any) -> tuple[float, ...]:
    """Numbers with commas."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(map(values.number("--weights", 0, 1e6), parts))


def run(options: Namespace) -> int:
    """Paints; gives the exit code.

    Raises:
        NstError: What one picture alone cannot mend, or the only picture's own error.
    """
    chosen = PaintOptions(**{field.name: options[field.name] for field in fields(PaintOptions)})
    styles = {style.path.resolve(): style for style in map(find_style, options.style)}
    for style in styles.values():
        chosen.check(style)
    jobs = plan_jobs(options, list(styles.values()))
    check_writable((job.out for job in jobs), (job.photo for job in jobs))
    painter = Painter(options, chosen, len(jobs))
    failed: list[str] = []
    with _bar() as bar:
        painter.tell = functools.partial(bar.update, bar.add_task("painting", total=len(jobs)), refresh=False)
        for outcome in painter.paint_all(jobs):
            if isinstance(outcome, str):
                print(outcome, flush=True)
            elif len(jobs) == 1:
                raise outcome
            else:
                if str(outcome) not in failed:  # a broken photo is said once, not for each style
                    print(f"impasto: {outcome}; skipped", file=sys.stderr)
                failed.append(str(outcome))
    if painter.done_before:
        print(f"{painter.done_before} of {len(jobs)} were there already, painted with the same options")
    if failed:
        print(f"impasto: {len(failed)} of {len(jobs)} pictures could not be painted", file=sys.stderr)
    return MENDABLE if failed else DONE


def plan_jobs(options: Namespace, styles: Sequence[Style]) -> list[Job]:
    """Each photo in each style, and where the results go.

    Raises:
        ConfigError: A name does not fit: a file for several pictures, or an unknown format.
        ImageError: There is no such photo.
    """
    out = options.out or "."
    pairs = [(photo, style) for photo in find_photos(options.photo, out) for style in styles]
    wanted = (folder_within(photo, options.photo) / f"{photo.stem}-{style.name}" for photo, style in pairs)
    names = free_names(map(str, wanted))
    return [Job(*pair, path) for pair, path in zip(pairs, result_paths(out, names, options.bits), strict=True)]


class Stopped(Exception):
    """Ends a painting in another thread."""


class Painter:
    """Paints jobs, as many at a time as there are cores.

    Args:
        options: of the command line.
        chosen: the engine's part of them.
        jobs: how many.
    """

    def __init__(self, options: Namespace, chosen: PaintOptions, jobs: int) -> None:
        self.options, self.chosen, self.several = options, chosen, jobs > 1
        cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
        self.workers = min(cores, jobs)
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
        if self.several and is_painted_so(job.out, photo, job.style, self.chosen):
            self.done_before += 1
            return None
        if not self.several and self.engine.plan(photo, job.style, self.chosen).peak_bytes > SAID_FROM_BYTES:
            print(self._plan(photo, job), file=sys.stderr)
        start = time.perf_counter()
        picture = self.engine.stylize(photo, job.style, self.chosen, functools.partial(self._progress, job))
        seconds = time.perf_counter() - start
        settings = paint_settings(photo, job.style, self.chosen, seconds)
        write_picture(picture, job.out, settings=settings, quality=self.options.quality, bits=self.options.bits)
        return f"{job.out}: {picture.width}x{picture.height} px, {seconds:.2f} s"

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


def _bar() -> Progress:
    """A bar on stderr where it is a terminal, with the time left."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=sys.stdout.isatty())
