"""`impasto paint`: paints photos in finished styles, at once."""

import functools
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from impasto import values
from impasto.results import check_writable, find_photos, free_names, result_paths
from models.card import STRENGTH_RANGE
from models.catalog import Style, find_style
from nst_core.errors import BudgetError, ImageError, ModelError
from nst_core.files import sha256
from nst_core.picture import MAX_PIXELS, Picture, read_picture, write_picture
from nst_core.provenance import provenance
from serve.engine import Engine
from serve.paint_options import PaintOptions

EXAMPLES = """\
examples:
  impasto paint cat.jpg --style starry_night                    writes cat-starry_night.png here
  impasto paint cat.jpg --style starry_night --strength 0.6 --color photo -o painted.jpg
  impasto paint photos/ 'more/*.jpg' --style udnie --style great_wave -o painted/
  impasto paint cat.jpg --style six.onnx --weights 1,0,0,2,0,0  a style of six paintings, two of them mixed
  impasto paint cat.tif --style udnie --size 2048 --bits 16 -o cat_udnie.tif

Styles are named as `impasto styles` lists them, or by the path of an .onnx file. Exit code: 0 done, 2 something
to mend (of several pictures, those that could be painted are), 130 stopped.
"""

DONE, MENDABLE = 0, 2


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
    kinds = {"size": values.long_side, "strength": values.number("--strength", *STRENGTH_RANGE), "weights": _weights}
    metavars = {"size": "PX", "strength": "N", "weights": "W,W,..."}
    for field in fields(PaintOptions):
        text = " ".join((texts.get(field.name) or docs[field.name] or "").split()).rstrip(".")
        if field.default and field.name not in texts:
            text += " (default: %(default)s)"
        choices = get_args(hints[field.name]) if field.name not in kinds else None
        more: dict[str, Any] = {"choices": list(choices)} if choices else {"type": kinds[field.name]}
        group.add_argument(
            f"--{field.name}", default=field.default, help=text, metavar=metavars.get(field.name), **more
        )


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
    painter = Painter(options, chosen)
    failed: list[str] = []
    with _bar(len(jobs)) as bar:
        for job in bar.track(jobs, description="painting"):
            try:
                painter.paint(job)
            except (ImageError, BudgetError, ModelError) as error:
                if len(jobs) == 1:
                    raise
                if str(error) not in failed:  # a broken photo is said once, not for each style
                    print(f"impasto: {error}; skipped", file=sys.stderr)
                failed.append(str(error))
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
    names = free_names(f"{photo.stem}-{style.name}" for photo, style in pairs)
    return [Job(*pair, path) for pair, path in zip(pairs, result_paths(out, names, options.bits), strict=True)]


class Painter:
    """Paints one job after another.

    Args:
        options: of the command line.
        chosen: the engine's part of them.
    """

    def __init__(self, options: Namespace, chosen: PaintOptions) -> None:
        self.options, self.chosen = options, chosen
        self.engine = Engine()
        self.read = functools.lru_cache(1)(self._read)  # a photo's jobs come one after another
        self.style_sha256 = functools.cache(sha256)

    def _read(self, photo: Path) -> Picture:
        picture = read_picture(photo, max_pixels=round(self.options.max_megapixels * 1e6))
        return picture.with_bits(self.options.bits or picture.bit_depth)

    def paint(self, job: Job) -> None:
        """Paints a photo and writes the result, with all that made it inside."""
        photo = self.read(job.photo)
        start = time.perf_counter()
        picture = self.engine.stylize(photo, job.style, self.chosen)
        seconds = time.perf_counter() - start
        settings = {
            "command": "paint",
            "photo": {"file": photo.name, "sha256": photo.sha256},
            "style": {"name": job.style.name, "sha256": self.style_sha256(job.style.path)},
            "options": asdict(self.chosen),
            "versions": provenance(),
            "seconds": round(seconds, 3),
        }
        write_picture(picture, job.out, settings=settings, quality=self.options.quality, bits=self.options.bits)
        print(f"{job.out}: {picture.width}x{picture.height} px, {seconds:.2f} s", flush=True)


def _bar(count: int) -> Progress:
    """A bar on stderr where it is a terminal and there is more than one picture."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = count == 1 or not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=sys.stdout.isatty())
