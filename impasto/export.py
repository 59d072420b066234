"""`impasto export`: writes the style file of a finished training again."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from models.catalog import SUFFIX
from nst_core.errors import ConfigError

EXAMPLES = """\
examples:
  impasto export training/udnie/network.safetensors               writes udnie.onnx here
  impasto export training/udnie/network.safetensors -o styles/udnie.onnx

`impasto train` exports each style at its end; this does it again from the network that the run's folder keeps,
and refuses where ONNX Runtime would paint otherwise than the trained network.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto export", description="Write the style file of a finished training again.", epilog=EXAMPLES
    )
    parser.add_argument("network", type=Path, metavar="FILE", help="a finished network (network.safetensors)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="the style (.onnx; default: NAME.onnx here)")
    return parser


def run(options: Namespace) -> int:
    """Exports; gives the exit code."""
    from train.style.card import export_finished, read_card  # what only exporting needs; --help does without

    card = read_card(options.network)
    out = options.out or Path(f"{card.name}{SUFFIX}")
    if out.suffix != SUFFIX:
        raise ConfigError(f"{out}: the name of a style must end in {SUFFIX}")
    export_finished(options.network, out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
    return 0
