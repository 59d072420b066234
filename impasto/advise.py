"""`impasto advise`: whether pictures make good styles, or photos are good to paint, and which crops would be better."""

from jsonargparse import ArgumentParser, Namespace

from impasto import values

EXAMPLES = """\
examples:
  impasto advise paintings/ --as style                  the best first, each with its verdict
  impasto advise paintings/ --as style --html styles.html
                                                        a page with pictures of what was seen
  impasto advise photos/*.jpg --as content --json photos.json
  impasto advise udnie.jpg --as style --crops crops/    its better crops as files, to paint with
  impasto advise photos/ --as content --no-crops        look for no crops, several times as fast

A score is 0 to 100; from 60 on a picture is good, from 40 on it works. Faces are found where OpenCV is installed (the
extra `studio`). Exit code: 0 done, 2 something to mend (what is broken is skipped, and all else done).
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto advise",
        description="Tell whether pictures make good styles, or photos good paintings; why, and what crops are better.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="pictures: files, folders, or patterns like 'paintings/*.jpg'")
    add(
        "--as",
        choices=["style", "content"],
        required=True,
        help="paintings to learn, or photos to paint",
    )
    add(
        "--size", type=values.number("--size", 128, 2048, whole=True), default=512, metavar="PX",
        help="working size: the long side at which will be painted (default: %(default)s)",
    )  # fmt: skip
    add("--crops", metavar="FOLDER", type=str, help="write the suggested crops as files to this folder")
    add("--no-crops", action="store_true", help="look for no crops")
    add("--json", metavar="FILE", type=str, help="write all figures to this file")
    add("--html", metavar="FILE", type=str, help="write a page with pictures of what was seen to this file")
    return parser


def run(options: Namespace) -> int:
    """Advises; gives the exit code."""
    from impasto.advise_work import advise_all  # what only advising needs; --help does without

    return advise_all(options)
