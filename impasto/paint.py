"""`impasto paint`: paints photos in finished styles, at once."""

import functools
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute
from impasto.output import add_output
from impasto.paint_work import Job, Painter
from impasto.progress import progress_bar
from impasto.results import check_writable, find_photos, folder_within, free_names, result_paths
from impasto.stores import workplace
from models.card import STRENGTH_RANGE
from models.catalog import Style, find_style
from nst_core.copies import origin
from nst_core.errors import ConfigError
from nst_core.storage import check_url, is_url, join
from serve.paint_options import BRUSH_RANGE, PaintOptions

if TYPE_CHECKING:
    from impasto.refine import Refinement  # it needs torch
    from studio.upscale.enlarge import Enlarger

EXAMPLES = """\
examples:
  impasto paint cat.jpg --style starry_night                    writes cat-starry_night.png here
  impasto paint cat.jpg --style starry_night --strength 0.6 --color photo -o painted.jpg
  impasto paint photos/ 'more/*.jpg' --style udnie --style great_wave -o painted/
  impasto paint cat.jpg --style starry_night --brush-size 2     broader strokes, at any size of the result
  impasto paint cat.jpg --style six.onnx --weights 1,0,0,2,0,0  a style of six paintings, two of them mixed
  impasto paint cat.jpg --style starry_night --refine 25        better strokes, by 25 iterations of the optimizer
  impasto paint cat.jpg --style starry_night --size 500 --upscale 4     painted at 500 px, enlarged by Waifu2x to 2,000
  impasto paint cat.tif --style udnie --size 2048 --bits 16 -o cat_udnie.tif
  impasto paint s3://studio/photos --style udnie -o s3://studio/painted      in a store; needs the extra `storage`

Styles are named as `impasto styles` lists them, or by the path of an .onnx file. The folders of a folder are kept;
of several pictures, those that an earlier run painted with the same options are not painted again. Exit code: 0 done,
2 something to mend (of several pictures, those that could be painted are), 130 stopped.
"""

DONE, MENDABLE = 0, 2


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
    add_output(parser)
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
        "weights": values.weights,
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
    group.add_argument(
        "--refine", metavar="N", type=values.number("--refine", 0, 10_000, whole=True), default=0,
        help="paint the strokes better, by N iterations of the optimizer; needs torch (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--refine-mask", metavar="MASK", type=str, help="refine only where this is white")
    group.add_argument(
        "--upscale", type=int, choices=[2, 4], default=None,
        help="then enlarge what was painted so many times, as impasto upscale does",
    )  # fmt: skip


def run(options: Namespace) -> int:
    """Paints; gives the exit code.

    Raises:
        NstError: What one picture alone cannot mend, or the only picture's own error.
    """
    chosen = PaintOptions(**{field.name: options[field.name] for field in fields(PaintOptions)})
    styles = {style.path.resolve(): style for style in map(find_style, options.style)}
    for style in styles.values():
        chosen.check(style)
    with workplace(options.out or ".") as out:
        return _paint_all(options, chosen, plan_jobs(options, list(styles.values()), out))


def _paint_all(options: Namespace, chosen: PaintOptions, jobs: Sequence[Job]) -> int:
    mask = [Path(options.refine_mask)] if options.refine_mask else []
    check_writable((job.out for job in jobs), [*(job.photo for job in jobs), *mask])
    refinement = _refinement(options)
    painter = Painter(options, chosen, len(jobs), refinement, _enlarger(options))
    failed: list[str] = []
    with progress_bar() as bar:
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


def _refinement(options: Namespace) -> "Refinement | None":
    """What `--refine` asks for.

    Raises:
        ConfigError: There is a mask for it, and no number of iterations.
        ImageError: The mask cannot be read.
    """
    if not options.refine:
        if options.refine_mask:
            raise ConfigError("--refine-mask says where to refine; say how much, too: --refine N")
        return None
    from impasto.refine import open_refinement  # it needs torch, which painting does without

    return open_refinement(options)


def _enlarger(options: Namespace) -> "Enlarger | None":
    """What `--upscale` asks for.

    Raises:
        ConfigError: It cannot give as many bits as are wanted.
    """
    if not options.upscale:
        return None
    from studio.upscale.enlarge import open_enlarger  # what plain painting does without

    enlarger = open_enlarger(options.upscale, memory_limit=options.memory_limit or 0)
    if options.bits == 16 and not enlarger.deep:
        raise ConfigError(
            "--upscale gives 8 bits a channel, as Waifu2x does; "
            "for 16 paint without it, then: impasto upscale --method lanczos"
        )
    if enlarger.note:
        print(f"impasto: {enlarger.note}", file=sys.stderr)
    return enlarger


def plan_jobs(options: Namespace, styles: Sequence[Style], out: str) -> list[Job]:
    """Each photo in each style, and where the results go.

    Raises:
        ConfigError: A name does not fit: a file for several pictures, an unknown format, or that of a photo.
        NstError: There is no such photo.
    """
    photos = find_photos(options.photo, options.out or ".")
    pairs = [(photo, style) for photo in photos for style in styles]
    wanted = (folder_within(photo, options.photo) / f"{photo.stem}-{style.name}" for photo, style in pairs)
    names = free_names(map(str, wanted))
    paths = result_paths(out, names, options.bits)
    if not is_url(options.out):
        return [Job(*pair, path) for pair, path in zip(pairs, paths, strict=True)]
    url, read = check_url(options.out), {origin(photo) for photo in photos}
    urls = [url if path == Path(out) else join(url, path.relative_to(out).as_posix()) for path in paths]
    if over := next((url for url in urls if url in read), None):
        raise ConfigError(f"{over} would be overwritten, and is read; choose another -o")
    return [Job(*pair, path, url) for pair, path, url in zip(pairs, paths, urls, strict=True)]
