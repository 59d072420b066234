"""`impasto bench`: lists the benchmarks, runs one, and writes the README's figures from their results."""

import argparse
import ast
import difflib
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from jsonargparse import ArgumentParser, Namespace

from nst_core.errors import ConfigError

EXAMPLES = """\
examples:
  impasto bench                              lists the benchmarks, how long each takes and what it needs
  impasto bench apply                        runs one, and writes benchmarks/results/apply.json
  impasto bench apply --help                 all about one
  impasto bench apply --rounds 5             with options of its own
  impasto bench --table                      writes the README's figures from the results

Each runs in a process of its own. They are part of the source checkout, and need the extras train and dev.
"""

FOLDER = Path(__file__).parents[1] / "benchmarks"
TABLE = "table.py"
NEEDED = ("torch", "onnx", "httpx", "playwright")
"""Packages of the extras that benchmarks import."""


class Benchmark(NamedTuple):
    """A script, and what its docstring says about it."""

    name: str
    measures: str
    takes: str
    needs: str


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto bench", description="Measure what the README's figures tell.", epilog=EXAMPLES
    )
    parser.add_argument("--table", action="store_true", help="write the README's figures from the results")
    parser.add_argument("name", nargs="?", metavar="NAME", type=str, help="a benchmark; without it, all are listed")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its own options")
    return parser


def run(options: Namespace) -> int:
    """Lists, or runs one; gives the exit code."""
    if not FOLDER.is_dir():
        raise ConfigError(
            f"there is no {FOLDER}: the benchmarks come with the source checkout of Impasto; run it there"
        )
    if options.table:
        return subprocess.run([sys.executable, FOLDER / TABLE]).returncode
    found = {benchmark.name: benchmark for path in sorted(FOLDER.glob("*.py")) if (benchmark := _read(path))}
    if options.name is None:
        print("\n\n".join(map(_entry, found.values())))
        return 0
    if options.name not in found:
        close = " or ".join(map(repr, difflib.get_close_matches(options.name, found)))
        hint = f"did you mean {close}?" if close else "impasto bench lists them"
        raise ConfigError(f"there is no benchmark {options.name!r}; {hint}")
    if missing := [package for package in NEEDED if find_spec(package) is None]:
        raise ConfigError(
            f"benchmarks need {', '.join(missing)}; in the folder of Impasto, run: pip install '.[train,dev]'"
        )
    return subprocess.run([sys.executable, FOLDER / f"{options.name}.py", *options.arguments]).returncode


def _read(path: Path) -> Benchmark | None:
    """What a script says about itself, without running it; None if it is no benchmark."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    said = re.search(r"^Takes: (.+)\.\nNeeds: (.+)\.$", text, re.MULTILINE)
    return Benchmark(path.stem, text.partition("\n")[0], *said.groups()) if said else None


def _entry(benchmark: Benchmark) -> str:
    return f"{benchmark.name}\n  {benchmark.measures}\n  takes {benchmark.takes}; needs {benchmark.needs}"
