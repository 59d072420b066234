"""The command line: one line for what went wrong, and the exit code that says whose move it is."""

import errno
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from jsonargparse import ArgumentParser

from impasto import main as command_line
from impasto.main import COMMANDS, Command, main
from nst_core.errors import BudgetError


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch):
    """Installs a command `fake` whose run does what the test says."""

    def install(run) -> None:
        def build_parser() -> ArgumentParser:
            parser = ArgumentParser()
            parser.add_argument("--size", type=int, default=512)
            return parser

        monkeypatch.setitem(sys.modules, "impasto.fake", SimpleNamespace(build_parser=build_parser, run=run))
        monkeypatch.setattr(command_line, "COMMANDS", {"fake": Command("impasto.fake", "a fake")})

    return install


def raiser(error: BaseException):
    def run(options):
        raise error

    return run


def test_overview_names_each_command(capsys):
    assert main(["--help"]) == 0
    output = capsys.readouterr().out
    assert all(f"  {name} " in output and command.help in output for name, command in COMMANDS.items())


def test_overview_and_version_import_nothing_heavy():
    code = (
        "import sys; from impasto.main import main; main(['--help']); main(['--version'])\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'jsonargparse', 'rich')))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_examples(name: str, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert output.startswith(f"usage: impasto {name} ")
    assert f"\n  impasto {name}" in output


def test_options_and_exit_code_pass_through(fake):
    seen = []
    fake(lambda options: seen.append(options.size) or 7)
    assert main(["fake", "--size", "384"]) == 7
    assert seen == [384]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimise"], "impasto: there is no command 'optimise'; did you mean 'optimize'?\n"),
        (["xyzzy"], "impasto: there is no command 'xyzzy'; see impasto --help\n"),
        (
            ["weights", "get", "vgg"],
            "impasto: weights: argument network: invalid choice: 'vgg' (choose from 'vgg19', 'vgg16'); "
            "see impasto weights --help\n",
        ),
        (["doctor", "--jsn"], "impasto: doctor: unrecognized arguments: --jsn; see impasto doctor --help\n"),
    ],
)
def test_usage_error_is_one_line(words: list[str], message: str, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.replace("choose from vgg19, vgg16", "choose from 'vgg19', 'vgg16'") == message
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BudgetError("12 GB are needed,\n  3 GB are free"), 2, "12 GB are needed, 3 GB are free"),
        (KeyboardInterrupt(), 130, "stopped"),
        (MemoryError(), 2, "not enough memory; try a smaller --size or --memory-limit"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            2,
            "the disk is full; free some space, or write to another folder",
        ),
        (
            OSError(errno.EROFS, os.strerror(errno.EROFS), "out/a.png"),
            2,
            "Read-only file system: out/a.png",
        ),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            2,
            "this needs torch; in the folder of Impasto, run: pip install '.[train]'",
        ),
        (
            ZeroDivisionError("division by zero"),
            1,
            "a fault of ours (ZeroDivisionError: division by zero); please report it with what the same "
            "command says with --debug",
        ),
    ],
)
def test_error_is_one_line(error: BaseException, code: int, message: str, fake, capsys):
    fake(raiser(error))
    assert main(["fake"]) == code
    assert capsys.readouterr().err == f"impasto: {message}\n"


def test_debug_tells_where_it_came_from(fake, capsys, monkeypatch):
    fake(raiser(ZeroDivisionError()))
    assert main(["fake", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("IMPASTO_DEBUG", "1")
    assert main(["fake"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_reader_that_went_away_is_no_error():
    code = "import sys; from impasto.main import main; sys.exit(main(['--help']))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
