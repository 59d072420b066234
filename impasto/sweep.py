"""`impasto sweep`: photos × styles × settings in a night, small ones first, then the best of them large."""

from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute, add_engine
from models.card import STRENGTH_RANGE
from nst_core.errors import ConfigError
from serve.paint_options import BRUSH_RANGE

EXAMPLES = """\
examples:
  impasto sweep photos/                                   each photo in every style, into sweep/; report.html tells
  impasto sweep photos/ --until 07:00                     the same, until the morning
  impasto sweep cat.jpg dog.jpg --styles udnie great_wave my.onnx -o tonight/
  impasto sweep photos/ --strength 0.7 1 --brush-size 1 2 --finals none    small proofs only, four of each
  impasto sweep photos/ --finals picked --size 4000       what was starred and kept in the gallery, large
  impasto sweep photos/ --finals 20 --how both            the 20 best, by the network and by the slow optimizer
  impasto sweep /share/photos -o /share/sweep --engine ray --address 10.0.0.5:6379    on all machines of a cluster
  impasto sweep s3://studio/photos -o s3://studio/night    in a store; another machine goes on with the same command
  impasto sweep --status                                  how far it is

Proofs of 512 px go to FOLDER/proofs, the finals to FOLDER: first what was starred in the gallery, then what was kept,
then what promises most; never what was rejected. What is done is kept: after Ctrl-C, or a power cut, the same command
goes on. More photos, styles and settings may be added to a folder; finals of another --size or --upscale are painted
beside those that are there, as cat-udnie-2x.png. Exit code: 0 done, 2 something to mend (all else is done), 130
stopped.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto sweep",
        description="Paint every photo in every style, unattended: small proofs first, then the finals.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("photo", nargs="*", metavar="PHOTO", help="photos: files, folders, or patterns like 'photos/*.jpg'")
    add("--styles", nargs="+", metavar="NAME", type=str, help="styles, by name or .onnx file (default: all there are)")
    add("-o", "--out", default="sweep", metavar="FOLDER", type=str, help="where all goes (default: %(default)s)")
    add("--until", metavar="07:00", type=str, help="begin nothing that would not end by then")
    add("--status", action="store_true", help="tell how far the sweep in the folder is, and paint nothing")
    _add_settings(parser)
    _add_finals(parser)
    add_compute(parser)
    add_engine(parser)
    return parser


def _add_settings(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Settings, each in each; several may be given").add_argument
    add(
        "--strength", nargs="+", metavar="N", type=values.number("--strength", *STRENGTH_RANGE), default=[1.0],
        help="how much painting: 0 is the photo, 1 as trained, up to 1.5 (default: 1)",
    )  # fmt: skip
    add(
        "--brush-size", nargs="+", metavar="N", type=values.number("--brush-size", *BRUSH_RANGE), default=[1.0],
        help="size of the strokes: 1 as trained, 0.25 to 4 (default: 1)",
    )  # fmt: skip
    add(
        "--color", nargs="+", choices=["painting", "photo", "palette"], default=["painting"],
        help="whose colors the result has (default: painting)",
    )  # fmt: skip


def _add_finals(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Finals").add_argument
    add(
        "--finals", metavar="N|all|picked|none", type=_which, default="all",
        help="so many, all but the rejected, or only what was starred or kept (default: %(default)s)",
    )  # fmt: skip
    add(
        "--how", choices=["fast", "optimize", "both"], default="fast",
        help="by the network, by the slow optimizer (needs torch), or each (default: %(default)s)",
    )  # fmt: skip
    add(
        "--size", metavar="PX", type=values.long_side, default=0,
        help="long side, pixels (default: the photo's own; for the optimizer what the style was learned at)",
    )  # fmt: skip
    add("--upscale", choices=[0, 2, 4], type=int, default=0, help="enlarge them so many times once they are painted")


def _which(value: object) -> int | str:
    if value in ("all", "picked", "none"):
        return str(value)
    try:
        return values.number("--finals", 0, 1_000_000, whole=True)(value)
    except ConfigError as error:
        raise ConfigError(f"--finals must be a number, all, picked or none, not {value}") from error


def run(options: Namespace) -> int:
    """Sweeps; gives the exit code."""
    from impasto.sweep_work import show_status, sweep_all  # what only sweeping needs; --help does without

    return show_status(options) if options.status else sweep_all(options)
