"""`impasto bench`: the list, a benchmark in a process of its own, and what it refuses."""

import os
from pathlib import Path

import pytest

from impasto import bench
from impasto.main import main

SCRIPT = '''\
"""What apples weigh, beside pears.

Takes: a second.
Needs: apples.
"""
import os, pathlib, sys
pathlib.Path("ran").write_text(f"{os.getpid()} {sys.argv[1:]}")
sys.exit(3)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of benchmarks that holds one, and what it shares with others; also the working folder."""
    (tmp_path / "apples.py").write_text(SCRIPT)
    (tmp_path / "harness.py").write_text('"""What every benchmark shares."""')
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_tells_what_each_measures_takes_and_needs(folder: Path, capsys):
    assert main(["bench"]) == 0
    assert capsys.readouterr().out == "apples\n  What apples weigh, beside pears.\n  takes a second; needs apples\n"
    assert not (folder / "ran").exists()


def test_each_script_that_runs_is_listed(capsys):
    scripts = {p.stem for p in bench.FOLDER.glob("*.py") if 'if __name__ == "__main__"' in p.read_text()}
    assert main(["bench"]) == 0
    listed = {line for line in capsys.readouterr().out.splitlines() if line and not line.startswith(" ")}
    assert listed == scripts - {"table"} and len(listed) > 10


def test_runs_in_a_process_of_its_own_with_its_own_options(folder: Path):
    assert main(["bench", "apples", "--rounds", "5", "--help"]) == 3
    process, _, arguments = (folder / "ran").read_text().partition(" ")
    assert int(process) != os.getpid()
    assert arguments == "['--rounds', '5', '--help']"


def test_table_is_written_by_its_script(folder: Path):
    (folder / "table.py").write_text("import pathlib; pathlib.Path('written').touch()")
    assert main(["bench", "--table"]) == 0
    assert (folder / "written").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aples", "there is no benchmark 'aples'; did you mean 'apples'?"),
        ("xyzzy", "there is no benchmark 'xyzzy'; impasto bench lists them"),
        ("harness", "there is no benchmark 'harness'; impasto bench lists them"),
    ],
)
def test_unknown_name_is_one_line(name: str, message: str, folder: Path, capsys):
    assert main(["bench", name]) == 2
    assert capsys.readouterr().err == f"impasto: {message}\n"


def test_installed_without_the_sources_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(bench, "FOLDER", tmp_path / "benchmarks")
    for words in ([], ["apply"], ["--table"]):
        assert main(["bench", *words]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"impasto: there is no {tmp_path / 'benchmarks'}: the benchmarks come with the source")


def test_without_torch_it_lists_and_says_what_running_needs(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(bench, "find_spec", lambda name: None if name == "torch" else object())
    assert main(["bench"]) == 0
    capsys.readouterr()
    assert main(["bench", "apples"]) == 2
    wanted = "impasto: benchmarks need torch; in the folder of Impasto, run: pip install '.[train,dev]'\n"
    assert capsys.readouterr().err == wanted
    assert not (folder / "ran").exists()
