"""How painted pictures are written: the options that several commands share."""

from jsonargparse import ArgumentParser

from impasto import values
from nst_core.picture import MAX_PIXELS


def add_output(parser: ArgumentParser) -> None:
    """Adds the options to a command's."""
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
