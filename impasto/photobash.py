"""`impasto photobash`: several styles in one picture, each where its mask says."""

from typing import Any

from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute
from impasto.output import add_output
from models.card import STRENGTH_RANGE
from serve.paint_options import BRUSH_RANGE
from studio.photobash.parts import MOST_REGIONS

EXAMPLES = """\
examples:
  impasto photobash cat.jpg --style scream --style rhone -o cat.png       the cat in the first, what is behind it
                                                                          in the second style
  impasto photobash bay.jpg --style wheat_field --style great_wave --style rhone -o bay.png     in three large regions
  impasto photobash bay.jpg --style udnie --style scream --regions 5 -o bay.png                 in five of them
  impasto photobash cat.jpg --style udnie --style-mask face.png --style rhone --style-mask - -o cat.png
  impasto photobash cat.jpg --style udnie --style rhone --palette photo --palette-strength 1 -o cat.png
  impasto photobash cat.jpg --style udnie --style rhone --palette painting.jpg -o cat.png
  impasto photobash cat.jpg --style udnie --style rhone --how optimize -o cat.png           better strokes; needs torch

Of several regions, the first style paints the largest, the second style the next, and so on; where there are more
regions than styles, it is the first one's turn again. With masks, a later one lies over the earlier ones, and what none
takes is painted in the style with the mask - or in the first one. Exit code: 0 done, 2 something to mend, 130 stopped.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto photobash",
        description="Paint one photo in several styles, each in its own region, with one palette over all.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", type=str, help="the photo")
    add(
        "--style", action="append", required=True, metavar="NAME", type=str,
        help="a style, as `impasto styles` lists it, or the path of an .onnx file; give two or more",
    )  # fmt: skip
    add("-o", "--out", required=True, type=str, help="the result (.png .jpg .webp .tif), or a folder")
    _add_regions(parser)
    _add_palette(parser)
    _add_painting(parser)
    add_compute(parser)
    add_output(parser)
    return parser


def run(options: Namespace) -> int:
    """Paints; gives the exit code."""
    from impasto.photobash_work import paint  # what only painting needs; --help does without

    return paint(options)


def regions(value: Any) -> Any:
    """`subject`, or a number of regions."""
    return value if value in (None, "subject") else values.number("--regions", 2, MOST_REGIONS, whole=True)(value)


def _add_regions(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Regions").add_argument
    add(
        "--style-mask", action="append", metavar="MASK", type=str, default=[],
        help="where a style applies (white), one for each style in their order; - is what the others leave",
    )  # fmt: skip
    add(
        "--regions", metavar="subject|N", type=regions, default=None,
        help="without masks: the subject and what is behind it, or so many large regions (default: subject for two "
        "styles, else as many as there are styles)",
    )  # fmt: skip
    add(
        "--feather", metavar="PX", type=values.number("--feather", 0, 10_000), default=None,
        help="how far borders fade to either side where the photo has no edge to follow, pixels of the photo; 0 takes "
        "masks as they are (default: 3%% of its long side)",
    )  # fmt: skip


def _add_palette(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Colors").add_argument
    add(
        "--palette", metavar="PALETTE", type=str, default="first",
        help="what all colors are matched to: first (the first style's picture), photo, a style's name (its painting), "
        "the file of a picture, or none (default: %(default)s)",
    )  # fmt: skip
    add(
        "--palette-strength", metavar="N", type=values.number("--palette-strength", 0, 1), default=0.75,
        help="how closely, 0 to 1 (default: %(default)s)",
    )  # fmt: skip


def _add_painting(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Painting").add_argument
    add(
        "--how", choices=["fast", "optimize"], default="fast",
        help="optimize goes on from the fast picture with the optimizer; needs torch (default: %(default)s)",
    )  # fmt: skip
    add(
        "--iterations", metavar="N", type=values.number("--iterations", 1, 10_000, whole=True), default=100,
        help="of the optimizer (default: %(default)s)",
    )  # fmt: skip
    add(
        "--size", metavar="PX", type=values.long_side, default=0,
        help="long side of the result, pixels (default: the photo's own)",
    )  # fmt: skip
    add(
        "--strength", metavar="N", type=values.number("--strength", *STRENGTH_RANGE), default=1.0,
        help="how much painting: 0 is the photo, 1 as trained, up to 1.5 (default: %(default)s)",
    )  # fmt: skip
    add(
        "--brush-size", metavar="N", type=values.number("--brush-size", *BRUSH_RANGE), default=1.0,
        help="size of the strokes in proportion to the picture, 1 as trained (default: %(default)s)",
    )  # fmt: skip
