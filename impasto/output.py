"""How painted pictures are written: the options that several commands share."""

from typing import Any

from jsonargparse import ArgumentParser

from impasto import values
from nst_core.picture import MAX_PIXELS


def add_output(parser: ArgumentParser, bits: int | None = None) -> Any:
    """Adds the options to a command's, and gives their group for what else belongs there.

    Args:
        parser: of the command.
        bits: a channel, unless they are asked for; None is the photo's.
    """
    usual = bits or "the photo's"
    group = parser.add_argument_group("Output")
    add = group.add_argument
    add(
        "--bits", metavar="8|16", type=values.bits, default=bits,
        help=f"bits a channel; 16 for .png and .tif (default: {usual})",
    )  # fmt: skip
    add(
        "--quality", metavar="N", type=values.number("--quality", 1, 100, whole=True), default=92,
        help="of .jpg and .webp, 1 to 100 (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-megapixels", metavar="N", type=values.number("--max-megapixels", 0.001, 1e6), default=MAX_PIXELS / 1e6,
        help="refuse larger photos (default: %(default)s)",
    )  # fmt: skip
    return group
