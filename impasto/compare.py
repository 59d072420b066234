"""`impasto compare`: the fast network and the slow optimizer, on the same photo and the same loss, side by side."""

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute
from studio.compare.options import CompareOptions

EXAMPLES = """\
examples:
  impasto compare cat.jpg --style starry_night -o compared/             writes compared/compare.html
  impasto compare cat.jpg --style starry_night --iterations 300 -o compared/
  impasto compare photos/ --style udnie --style great_wave -o compared/ each photo in each style, and a summary
  impasto compare cat.jpg --style udnie --painting udnie.jpg -o compared/
                                                                        with the painting shown, and its colors
  impasto compare cat.jpg --style udnie --painting udnie.jpg --network vgg19 -o compared/

A style's card holds what the loss network compact sees of its painting, so that no painting is needed; other loss
networks need it. What has been computed is kept: after Ctrl-C the same command goes on. Exit code: 0 done, 2 something
to mend (of several photos, those that could be compared are), 130 stopped.
"""


def build_parser() -> ArgumentParser:
    """The command's options; those of comparing come from `CompareOptions`."""
    parser = ArgumentParser(
        prog="impasto compare",
        description="Paint photos both ways, with a style's network and with the optimizer, and compare them.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("photo", nargs="+", metavar="PHOTO", help="photos: files, folders, or patterns like 'photos/*.jpg'")
    add(
        "--style", action="append", required=True, metavar="NAME", type=str,
        help="a style; may be given again, each photo is compared in each",
    )  # fmt: skip
    add("--painting", metavar="FILE", type=str, help="the painting of the style, where it is at hand")
    add("-o", "--out", required=True, metavar="FOLDER", type=str, help="where the reports go")
    _add_comparing(parser)
    add_compute(parser)
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto",
        help="of the optimizer; auto takes the graphics card if there is one",
    )  # fmt: skip
    return parser


def _add_comparing(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("Comparing")
    hints = get_type_hints(CompareOptions)
    docs = {param.arg_name: param.description for param in docstring_parser.parse_from_object(CompareOptions).params}
    for field in fields(CompareOptions):
        text = " ".join((docs[field.name] or "").split()).rstrip(".")
        text += " (default: %(default)s)" if field.default else ""
        more: dict[str, Any] = {"choices": list(get_args(hints[field.name]))}
        if field.name == "iterations":
            more["type"] = int
        if field.name == "weights":
            more = {"type": values.weights, "metavar": "W,W,..."}
        group.add_argument("--" + field.name, default=field.default, help=text, **more)


def run(options: Namespace) -> int:
    """Compares; gives the exit code."""
    from impasto.compare_work import compare_all  # what only comparing needs; --help does without

    return compare_all(options, CompareOptions(**{field.name: options[field.name] for field in fields(CompareOptions)}))
