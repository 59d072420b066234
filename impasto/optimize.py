"""`impasto optimize`: paints photos with the classic optimizer."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.output import add_output
from models.catalog import find_style
from nst_core.errors import ConfigError
from nst_core.gatys_options import GatysOptions

EXAMPLES = """\
examples:
  impasto optimize cat.jpg --style starry_night.jpg -o cat.png
  impasto optimize cat.jpg --style waves.jpg --size 1024 --brush-size 0.7 --color photo -o cat.png
  impasto optimize cat.jpg --style a.jpg:0.7 --style b.jpg:0.3 -o cat.png     two paintings, by shares
  impasto optimize cat.jpg --style a.jpg --style-mask sky.png --style b.jpg --style-mask ground.png -o cat.png
  impasto optimize photos/ 'more/*.jpg' --style a.jpg -o painted/             many photos into a folder
  impasto optimize cat.jpg --style starry_night -o cat.png                    the painting of a finished style
  impasto optimize cat.jpg --from-style starry_night --iterations 50 -o cat.png         its fast picture, refined
  impasto optimize cat.jpg --from-style starry_night --only face.png -o cat.png         only where a mask is white
  impasto optimize cat.jpg --style a.jpg --config configs/optimize/fine.yaml --bits 16 -o cat.tif
  impasto optimize cat.jpg --style a.jpg -o cat.png --resume                  go on after Ctrl-C or a crash

Ctrl-C writes the best picture so far. A file given with --config holds options by their names in YAML
(brush_size: 0.7); what comes later on the line wins. Exit code: 0 done, 2 something to mend (of several
photos, those that could be painted are), 130 stopped.
"""

RANGES: dict[str, tuple[float, float]] = {
    "strength": (0, 100),
    "brush_size": (0.05, 20),
    "iterations": (1, 100_000),
    "history": (4, 100),
    "content_weight": (0, 1e6),
    "tv_weight": (0, 1e6),
    "seed": (0, 2**63 - 1),
}
"""Least and greatest value of each number among the `GatysOptions`."""

STARTS = ("photo", "noise", "painting")


def build_parser() -> ArgumentParser:
    """The command's options; those of the optimizer come from `GatysOptions`."""
    parser = ArgumentParser(
        prog="impasto optimize",
        description="Paint photos in the manner of one or more paintings, by optimizing each picture.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("photo", nargs="+", metavar="PHOTO", help="photos: files, folders, or patterns like 'photos/*.jpg'")
    add(
        "--style", action="append", metavar="PAINTING[:SHARE]", type=values.texts, default=[],
        help="a painting, or the name of a style learned from one, and its share; may be given again",
    )  # fmt: skip
    add(
        "--from-style", metavar="NAME", type=str, default=None,
        help="start from the fast picture of a style; without --style its painting is the painting",
    )  # fmt: skip
    add("-o", "--out", required=True, type=str, help="the result (.png .jpg .webp .tif), or a folder")
    add("--config", action="config", metavar="YAML", help="options from a file, see configs/optimize/")
    _add_masks(parser)
    _add_gatys(parser)
    _add_machine(parser)
    _add_output(parser)
    return parser


def run(options: Namespace) -> int:
    """Paints; gives the exit code."""
    from impasto.optimize_work import paint_all  # what only painting needs; --help does without

    chosen: dict[str, Any] = {field.name: options[field.name] for field in fields(GatysOptions)}
    draft = None if options.start in STARTS else Path(options.start)
    if options.from_style:
        if options.start != GatysOptions.start:
            raise ConfigError("--from-style and --start each say what to start from; leave one out")
        draft = find_style(options.from_style).path
    if draft:
        chosen["start"] = "picture"
    return paint_all(options, GatysOptions(**chosen), draft)


def _add_masks(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Regions").add_argument
    add(
        "--style-mask", action="append", metavar="MASK", type=values.texts, default=[],
        help="where a painting applies (white), in the order of the paintings; - is everywhere",
    )  # fmt: skip
    add("--protect", metavar="MASK", type=str, default=None, help="keep the photo as it is where this is white")
    add(
        "--only", metavar="MASK", type=str, default=None,
        help="with a picture to start from: change it only where this is white",
    )  # fmt: skip
    add(
        "--feather", metavar="PX", type=values.number("--feather", 0, 10_000), default=0.0,
        help="soften the edges of all masks by so many pixels of the photo",
    )  # fmt: skip


def _add_gatys(parser: ArgumentParser) -> None:
    """One option for each field of `GatysOptions`, its docstring as help."""
    group = parser.add_argument_group("Painting")
    hints = get_type_hints(GatysOptions)
    docs = {
        param.arg_name: param.description or "" for param in docstring_parser.parse_from_object(GatysOptions).params
    }
    texts = {
        "size": "Long side of the result, pixels, or original.",
        "start": "What to start from: photo, noise, painting, or the file of a picture.",
    }
    types = {"size": values.long_side, "start": str, "layer_weights": values.layer_weights}
    metavars = {"size": "PX", "start": "START", "layer_weights": "W,W,W,W,W"}
    for field in fields(GatysOptions):
        name, option = field.name, "--" + field.name.replace("_", "-")
        text = " ".join(texts.get(name, docs[name]).split()).rstrip(".") + " (default: %(default)s)"
        if name not in types and (choices := get_args(hints[name])):
            group.add_argument(option, choices=list(choices), default=field.default, help=text)
            continue
        kind = types.get(name) or values.number(option, *RANGES[name], whole=hints[name] is int)
        group.add_argument(option, metavar=metavars.get(name, "N"), type=kind, default=field.default, help=text)


def _add_machine(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Machine").add_argument
    add(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes the graphics card if there is one"
    )
    add(
        "--memory-limit", metavar="SIZE", type=values.memory, default=None,
        help="memory to take beyond the interpreter's own, like 3.5GB (default: most of what is free)",
    )  # fmt: skip


def _add_output(parser: ArgumentParser) -> None:
    add = add_output(parser, bits=8).add_argument
    add("--sidecar", action="store_true", help="write the settings to OUT.json too, not only into the picture")
    add(
        "--preview-every", metavar="N", type=values.number("--preview-every", 0, 1e6, whole=True), default=0,
        help="every N iterations show the picture so far in OUT_preview.png; removed at the end (default: 0, never)",
    )  # fmt: skip
    add(
        "--snapshot-every", metavar="SECONDS", type=values.number("--snapshot-every", 0, 1e6), default=30.0,
        help="how often to write OUT.snapshot, for --resume; removed at the end (default: %(default)s)",
    )  # fmt: skip
    add("--resume", action="store_true", help="go on from the snapshot of an earlier run; skip what is done")
    add("--trace", metavar="FILE", type=str, default=None, help="write the loss at each iteration as JSON")
    add("--plot", metavar="FILE", type=str, default=None, help="draw the loss against seconds (.png .svg .pdf)")
