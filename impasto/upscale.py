"""`impasto upscale`: enlarges pictures, painted or not."""

from jsonargparse import ArgumentParser, Namespace

from impasto import values

EXAMPLES = """\
examples:
  impasto upscale cat-starry_night.png                   twice as large, by Waifu2x: cat-starry_night-x2.png here
  impasto upscale cat-starry_night.png --factor 4 -o large.png
  impasto upscale painted/ --factor 4 -o large/          a folder, its folders kept; what is done is left alone
  impasto upscale photo.jpg --noise 3                    smoother: the finest strokes and all noise go
  impasto upscale cat.tif --method lanczos -o large.tif  keeps 16 bits a channel, where Waifu2x has 8
  impasto upscale cat.png --method 4x-model.safetensors  by a model file of your own (needs torch)

Of a picture that Impasto painted, the command that paints it as large is told as well: enlarging keeps the strokes as
they are, with clean edges; painting large gives them detail of their own. Exit code: 0 done, 2 something to mend (of
several pictures, those that could be enlarged are), 130 stopped.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(prog="impasto upscale", description="Enlarge pictures, painted or not.", epilog=EXAMPLES)
    add = parser.add_argument
    add("picture", nargs="+", metavar="PICTURE", help="pictures: files, folders, or patterns like 'painted/*.png'")
    add("--factor", type=int, choices=[2, 4], default=2, help="how many times as wide and high (default: %(default)s)")
    add(
        "--method", metavar="auto|waifu2x|lanczos|FILE", type=str, default="auto",
        help="what enlarges; FILE is a model (default: Waifu2x, or Lanczos where it cannot be used)",
    )  # fmt: skip
    add(
        "--noise", metavar="N", type=values.number("--noise", 0, 3, whole=True), default=None,
        help="how much noise Waifu2x removes, 0 to 3 (default: 1)",
    )  # fmt: skip
    add("-o", "--out", type=str, help="the result (.png .jpg .webp .tif), or a folder (default: the current one)")
    add(
        "--memory-limit", metavar="SIZE", type=values.memory, default=None,
        help="memory to take, like 1.5GB (default: most of what is free)",
    )  # fmt: skip
    return parser


def run(options: Namespace) -> int:
    """Enlarges; gives the exit code."""
    from impasto.upscale_work import upscale_all  # what only enlarging needs; --help does without

    return upscale_all(options)
