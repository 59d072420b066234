"""`impasto layers`: a photo and its renders as layers for Photoshop, Krita and GIMP."""

from jsonargparse import ArgumentParser, Namespace

from impasto import values

EXAMPLES = """\
examples:
  impasto layers cat.jpg painted/cat-*.png -o cat.psd       all renders of a photo, for Photoshop
  impasto layers cat.jpg cat-udnie.png cat-rhone.png -o cat.ora --masks subject
                                                            for Krita and GIMP; the finer one on the cat
  impasto layers cat.jpg painted/cat-*.png -o cat.psd --masks region
  impasto layers cat.jpg small/*.png -o cat.psd --upscale 4 renders made at 500 pixels, enlarged first
  impasto layers cat.jpg new/cat-scream.png --update cat.psd
                                                            adds a render to a file that you have painted in

Bottom to top: the photo; a base in facets, whose mask lets the photo's details through; the renders, broad strokes low
and fine ones high, each with a mask; finishing (odd textures calmed, the background back and the subject forward, edges
lit, eyes sharpened where a face is found); and an empty layer for your details. The render that is named first shows
most; the masks are yours to paint. All layers have the size of the photo. Exit code: 0 done, 2 something to mend, 130
stopped.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto layers",
        description="Lay a photo and its renders out in layers, for a painting program.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("photo", metavar="PHOTO", type=str, help="the photo")
    add("render", nargs="+", metavar="RENDER", help="renders of it: files, folders, or patterns like 'painted/cat-*'")
    add("-o", "--out", type=str, help="the file of layers: .psd, .psb (the same, large) or .ora (Krita, GIMP, MyPaint)")
    add("--update", metavar="FILE", type=str, help="add the renders to a file of layers; all else in it stays as it is")
    add(
        "--masks", choices=["white", "subject", "edges", "saliency", "region"], default="white",
        help="what the renders' masks show: white all, for you to paint; with subject, edges and saliency the detailed "
        "renders come there and the broad ones elsewhere; region gives each a few large regions (default: %(default)s)",
    )  # fmt: skip
    add(
        "--subject-model", metavar="FILE", type=str, default="",
        help="a segmentation network (.onnx: one input 1x3xHxW, RGB less ImageNet's mean, one output of one channel) "
        "that finds the subject (default: GrabCut from what stands out and from faces)",
    )  # fmt: skip
    add(
        "--size", metavar="PX", type=values.long_side, default=0,
        help="long side of the layers (default: the photo's, or with --upscale the renders' where they are larger)",
    )  # fmt: skip
    add("--upscale", type=int, choices=[2, 4], default=None, help="enlarge the renders first, as impasto upscale does")
    return parser


def run(options: Namespace) -> int:
    """Lays them out; gives the exit code."""
    from impasto.layers_work import lay_out  # what only this needs; --help does without

    return lay_out(options)
