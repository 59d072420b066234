"""`impasto`: finds the command that was asked for, runs it, and says in one line what went wrong."""

import argparse
import difflib
import errno
import importlib
import importlib.metadata
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nst_core.errors import NstError


@dataclass(frozen=True)
class Command:
    """A command's module, imported only when it is chosen, and its line in the table of commands.

    The module has `build_parser() -> jsonargparse.ArgumentParser` and
    `run(options: jsonargparse.Namespace) -> int`, which gives the exit code.
    """

    module: str
    help: str


COMMANDS: Mapping[str, Command] = {
    "paint": Command("impasto.paint", "paint photos in finished styles, at once"),
    "ui": Command("impasto.ui", "paint in the browser, and serve the HTTP API"),
    "styles": Command("impasto.styles", "list the styles, or tell all about one"),
    "train": Command("impasto.train", "learn paintings, each in minutes, a folder of them in a night"),
    "export": Command("impasto.export", "write the style file of a finished training again"),
    "advise": Command("impasto.advise", "tell good styles and good photos from poor ones, and find better crops"),
    "layers": Command("impasto.layers", "lay a photo and its renders out in layers for Photoshop, Krita or GIMP"),
    "photobash": Command("impasto.photobash", "paint one photo in several styles, each in its own region"),
    "sweep": Command("impasto.sweep", "paint every photo in every style in a night, and finish the best"),
    "optimize": Command("impasto.optimize", "paint a photo in the manner of a painting (slow, and the best)"),
    "compare": Command("impasto.compare", "compare a style's fast pictures with the optimizer's, on one loss"),
    "upscale": Command("impasto.upscale", "enlarge pictures two or four times: Waifu2x, a model file, or Lanczos"),
    "weights": Command("impasto.weights", "list, fetch or add the VGG loss networks"),
    "distill": Command("impasto.distill", "train the compact loss network from VGG"),
    "doctor": Command("impasto.doctor", "tell whether this machine can do the work, or what it lacks"),
    "bench": Command("impasto.bench", "measure what the README's figures tell (in a checkout of the sources)"),
}

# Exit codes: what the user can mend, a fault of ours, stopped by Ctrl-C, and a reader that went away.
MENDABLE, FAULT, INTERRUPTED, PIPE_CLOSED = 2, 1, 130, 141

# Taken by every command, anywhere on its line; the figure is how much more is said.
_COMMON_OPTIONS = {"-v": 1, "--verbose": 1, "-vv": 2, "--debug": 0}

_TRAIN_PACKAGES = {"torch", "pytorch_lightning", "pytorch_optimizer", "onnx", "onnxscript", "matplotlib"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    verbosity = sum(_COMMON_OPTIONS.get(word, 0) for word in given)
    debug = "--debug" in given or os.environ.get("IMPASTO_DEBUG", "") not in ("", "0")
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
    try:
        code = _dispatch([word for word in given if word not in _COMMON_OPTIONS])
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (KeyboardInterrupt, Exception) as error:
        if debug:
            traceback.print_exc()
        message, code = _explain(error)
        print(f"impasto: {message}", file=sys.stderr)
        return code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if words else MENDABLE
    name, *rest = words
    if name in ("-V", "--version"):
        print(f"impasto {importlib.metadata.version('impasto')}")
        return 0
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see impasto --help"
        raise argparse.ArgumentError(None, f"there is no command {name!r}; {hint}")
    module = importlib.import_module(COMMANDS[name].module)
    parser = module.build_parser()
    parser.prog = f"impasto {name}"
    parser.exit_on_error = False
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # the examples keep their lines
    try:
        options = parser.parse_args(rest)
    except argparse.ArgumentError as error:
        raise argparse.ArgumentError(None, f"{name}: {str(error).rstrip('.')}; see impasto {name} --help") from error
    return module.run(options)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: impasto COMMAND ...",
            "",
            "Train your favorite paintings into small networks, and paint your photos with them.",
            "",
            *lines,
            "",
            "impasto COMMAND --help   what a command takes, with examples",
            "impasto --version        which version this is",
            "",
            "Every command also takes -v (say more), -vv (say everything) and --debug (after an error,",
            "print where it came from).",
        ]
    )


def _explain(error: BaseException) -> tuple[str, int]:
    """One line for a person, and the exit code."""
    match error:
        case KeyboardInterrupt():
            return "stopped", INTERRUPTED
        case NstError() | argparse.ArgumentError():
            return _one_line(str(error)), MENDABLE
        case MemoryError():
            return "not enough memory; try a smaller --size or --memory-limit", MENDABLE
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] in _TRAIN_PACKAGES:
            return (
                f"this needs {name.partition('.')[0]}; in the folder of Impasto, run: pip install '.[train]'",
                MENDABLE,
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return "the disk is full; free some space, or write to another folder", MENDABLE
        case OSError(strerror=str(reason)):
            return reason + (f": {error.filename}" if error.filename else ""), MENDABLE
        case _:
            kind = type(error).__name__
            return (
                f"a fault of ours ({kind}: {_one_line(str(error))}); please report it with what "
                "the same command says with --debug",
                FAULT,
            )


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
