"""The README's figures, made from `results/`: writes them between the README's markers, or checks them.

python benchmarks/table.py            writes; so does `impasto bench --table`
python benchmarks/table.py --check    fails where README and results differ
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness import RESULTS, argument_parser, run
from johnson_table import johnson_table
from rows import ROWS
from sizing_table import sizing_table

from nst_core.errors import ConfigError
from nst_core.files import write_bytes

README = Path(__file__).parents[1] / "README.md"
COMPACT_CARD = Path(__file__).parents[1] / "checkpoints" / "perceptual" / "compact.json"
MARKERS = "<!-- {}: written by impasto bench --table -->\n", "<!-- end of {} -->"
JOHNSON, SIZING, CLUSTER = "johnson_table", "sizing", "cluster"


def read_results(folder: Path) -> dict[str, Any]:
    """What the README tells of, by name: the card of `compact`, and the files of results that are there.

    Raises:
        ConfigError: a file is broken.
    """
    found: dict[str, Any] = {"compact_card": {"figures": json.loads(COMPACT_CARD.read_bytes())}}
    for name in (*ROWS, JOHNSON, SIZING):
        path = folder / f"{name}.json"
        try:
            found[name] = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise ConfigError(f"{path} is broken ({error}); measure it again") from error
    return found


def blocks(results: Mapping[str, Any]) -> dict[str, str]:
    """What belongs between the markers of each name."""
    rows = [row for name, make in ROWS.items() if name in results for row in make(results[name]["figures"])]
    lines = [f"| {' | '.join(row)} |\n" for row in [("what", "ours", "baseline, same run"), ("---",) * 3, *rows]]
    measured = [result["measured"] for result in results.values() if "measured" in result]
    found = {"figures": machine(measured) + "\n" + "".join(lines)}
    for name, make, needed in (("johnson", johnson_table, [JOHNSON]), ("sizing", sizing_table, [SIZING, CLUSTER])):
        there = all(need in results for need in needed)
        found[name] = make(*(results[need]["figures"] for need in needed)) if there else ""
    return found


def machine(measured: list[dict[str, Any]]) -> str:
    """The machines and versions that the results are from."""
    machines = _each(f"{m['processor']}, {m['cores']} cores, {m['memory_gb']:.0f} GB of memory" for m in measured)
    versions = {
        "Python": _each(m["python"] for m in measured),
        "torch": _each(m["torch"] for m in measured if "torch" in m),
        "ONNX Runtime": _each(m[key] for m in measured for key in ("onnxruntime", "onnxruntime-gpu") if key in m),
    }
    return (
        f"Measured on {machines}; {', '.join(f'{name} {version}' for name, version in versions.items() if version)}.\n"
    )


def _each(texts: Iterable[str]) -> str:
    return " and ".join(sorted(set(texts)))


def with_figures(readme: str, results: Mapping[str, Any]) -> str:
    """The README with its figures as the results have them.

    Raises:
        ConfigError: markers are missing.
    """
    for name, text in blocks(results).items():
        begin, end = (marker.format(name) for marker in MARKERS)
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(readme):
            raise ConfigError(
                f"README.md lacks the markers {begin.strip()} and {end}; put them where the {name} belong"
            )
        readme = pattern.sub(lambda _, inner=begin + text + end: inner, readme, count=1)
    return readme


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where README and results differ")
    options = parser.parse_args()
    old = README.read_text(encoding="utf-8")
    new = with_figures(old, read_results(RESULTS))
    if options.check and new != old:
        raise ConfigError("README.md and benchmarks/results/ differ; run: impasto bench --table")
    if new != old:
        write_bytes(README, new.encode())


if __name__ == "__main__":
    run(main)
