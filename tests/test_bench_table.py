"""The README's figures come from the results of the benchmarks, and the benchmarks' harness measures what it says."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from impasto.bench import FOLDER
from nst_core.errors import ConfigError

BLOCKS = ("figures", "johnson", "sizing")
EMPTY = "Before.\n{}\nBetween.\n{}\nAfter.\n{}\nEnd.\n".format(
    *(f"<!-- {name}: written by impasto bench --table -->\n<!-- end of {name} -->" for name in BLOCKS)
)
MEASURED = {"processor": "Abacus", "cores": 2, "memory_gb": 25.3, "python": "3.11.7", "torch": "2.7.1"}
LATENCY = {"size_px": 512, "input_to_picture_ms": {"median": 40.6, "p95": 56.0}, "bare_network_ms": 23.4}
COUNTS = ("100", "300", "500")
SIZE = {
    "timed_iterations": 9,
    "optimizer_seconds": {
        "vgg16": dict(zip(COUNTS, (110.76, 332.28, 1553.8), strict=True)),
        "compact": dict.fromkeys(COUNTS, 9.759),
    },
    "network_seconds": {"johnson": 0.2986, "swift": 0.0257},
    "times_faster": {
        "johnson": {"vgg16": dict(zip(COUNTS, (371, 1113, 1855), strict=True))},
        "swift": {"compact": dict.fromkeys(COUNTS, 380)},
    },
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    """Imports a module of the benchmarks by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.fixture
def table(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`benchmarks/table.py` with an empty README and two results."""
    module = load("table")
    (tmp_path / "README.md").write_text(EMPTY)
    for name, figures in (("page_latency", LATENCY), ("johnson_table", {"sizes": {"512": SIZE}})):
        (tmp_path / f"{name}.json").write_text(json.dumps({"figures": figures, "measured": MEASURED}))
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["table.py"])
    return module


def test_readme_tells_what_the_results_say():
    done = subprocess.run([sys.executable, FOLDER / "table.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_figures_come_from_the_results(table: ModuleType):
    table.main()
    text = table.README.read_text()
    assert text.startswith("Before.\n<!-- figures") and "<!-- end of johnson -->\nAfter.\n" in text
    assert "\nMeasured on Abacus, 2 cores, 25 GB of memory; Python 3.11.7, torch 2.7.1.\n\n| what | ours |" in text
    row = "the page, slider to repainted picture in the browser, 512 px, median / 95 %"
    assert f"\n| {row} | 41 / 56 ms | the bare network: 23 ms |\n" in text
    assert "| the network alone" not in text  # apply.json is not there


def test_the_papers_table_stands_beside_ours(table: ModuleType):
    table.main()
    text = table.README.read_text()
    lines = [line for line in text[text.index("| size |") :].splitlines() if line.startswith("|")]
    assert lines[2:] == [
        "| 512 | VGG-16, the paper | 10.97 / 32.91 / 54.85 s | 0.05 s | 205 / 615 / 1,026 |",
        "|  | VGG-16, here | 111 / 332 / 1,554 s | johnson: 0.3 s | 371 / 1,113 / 1,855 |",
        "|  | compact, here | 9.76 / 9.76 / 9.76 s | swift: 0.026 s | 380 / 380 / 380 |",
    ]
    assert "measured over 9 iterations, times 100 / 300 / 500" in text


def test_check_fails_where_readme_and_results_differ(table: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["table.py", "--check"])
    with pytest.raises(ConfigError, match="differ; run: impasto bench --table"):
        table.main()
    assert table.README.read_text() == EMPTY
    monkeypatch.setattr(sys, "argv", ["table.py"])
    table.main()
    monkeypatch.setattr(sys, "argv", ["table.py", "--check"])
    table.main()
    table.README.write_text(table.README.read_text().replace("41 / 56 ms", "31 / 56 ms"))
    with pytest.raises(ConfigError, match="differ"):
        table.main()


def test_what_cannot_be_made_is_one_line(table: ModuleType):
    table.README.write_text("No markers.")
    with pytest.raises(ConfigError, match="lacks the markers <!-- figures"):
        table.main()
    (table.RESULTS / "apply.json").write_text("{")
    with pytest.raises(ConfigError, match=r"apply.json is broken .* measure it again"):
        table.main()


def test_table_needs_no_torch():
    code = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import table; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_ways_take_turns_and_first_passes_are_not_counted(load):
    calls: list[str] = []

    def slow_at_first() -> None:
        calls.append("slow")
        if calls.count("slow") % 2:
            time.sleep(0.05)

    found = load("harness").median_seconds({"slow": slow_at_first, "fast": lambda: calls.append("fast")}, 2)
    assert calls == ["slow", "slow", "fast", "fast"] * 2
    assert 0 <= found["slow"] < 0.04


def test_peak_is_that_of_the_process_alone(load):
    held = bytearray(200_000_000)
    done = load("harness").run_apart("-c", "held = bytearray(60_000_000); print('painted')")
    assert (done.output, len(held)) == ("painted", 200_000_000)
    assert 60e6 < done.peak_bytes < 150e6


def test_result_says_where_it_came_from(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    harness = load("harness")
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/benchmarks/apply.py", "--photos", "/home/me/photos"])
    harness.record("apply", {"seconds": 0.5})
    result = json.loads((tmp_path / "apply.json").read_text())
    assert result["figures"] == {"seconds": 0.5}
    assert result["measured"]["command"] == "impasto bench apply --photos photos"
    assert result["measured"].keys() >= {"processor", "cores", "memory_gb", "python", "numpy", "commit"}
