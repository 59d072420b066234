"""`impasto paint`: paints photos in finished styles, at once."""

import contextlib
import functools
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
import onnxruntime
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from impasto import values
from models.card import STRENGTH_RANGE
from models.catalog import Style, find_style
from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError
from nst_core.files import atomic_path, sha256
from nst_core.picture import MAX_PIXELS, Picture, find_pictures, read_picture, write_picture
from nst_core.picture_encode import DEEP_FORMATS, FORMATS
from nst_core.provenance import provenance
from serve.engine import Engine, PaintOptions

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
    check_files(jobs)
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
    out = Path(options.out or ".")
    photos = _find_photos(options.photo, out)
    count = len(photos) * len(styles)
    if count > 1 and not out.is_dir() and (out.exists() or out.suffix.lower() in FORMATS):
        raise ConfigError(f"-o {out} names one picture; for {count} pictures name a folder")
    into_folder = count > 1 or out.is_dir() or options.out.endswith(("/", os.sep))
    taken: set[str] = set()
    jobs = []
    for photo in photos:
        for style in styles:
            name = _free_name(f"{photo.stem}-{style.name}", taken)
            path = out / f"{name}.png" if into_folder else out
            jobs.append(Job(photo, style, _check_format(path, options.bits)))
    return jobs


def _find_photos(given: Sequence[str], out: Path) -> list[Path]:
    photos = find_pictures(given)
    named, folder = {Path(path).resolve() for path in given}, out.resolve()
    if named & {*folder.parents}:  # results of an earlier run, in a folder among the photos, are no photos
        photos = [p for p in photos if p.resolve() in named or folder not in p.resolve().parents]
    if not photos:
        raise ImageError(f"there is no picture in {', '.join(given)}")
    return photos


def _free_name(name: str, taken: set[str]) -> str:
    """The name, numbered where another result has it."""
    free, number = name, 1
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.lower())
    return free


def _check_format(path: Path, bits: int | None) -> Path:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"-o {path}: end the name in {', '.join(FORMATS)}, or name a folder that exists")
    if bits == 16 and kind not in DEEP_FORMATS:
        raise ConfigError(f"-o {path}: {kind} holds 8 bits a channel; use .tif or .png for --bits 16")
    return path


class _OnlyTrying(Exception):
    """Leaves `atomic_path` before anything is written."""


def check_files(jobs: Sequence[Job]) -> None:
    """Finds out before the work whether all can be written, and over no photo.

    Raises:
        ConfigError: A result would overwrite a photo.
        NstError: A folder cannot be written to.
    """
    photos = {job.photo.resolve(): job.photo for job in jobs}
    for job in jobs:
        if photo := photos.get(job.out.resolve()):
            raise ConfigError(f"{job.out} would overwrite {photo}, which is read; choose another -o")
        with contextlib.suppress(_OnlyTrying), atomic_path(job.out):
            raise _OnlyTrying


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
            "versions": provenance() | {"onnxruntime": onnxruntime.__version__},
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
