"""The example client does what it says, against a server of its own."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from serving import CAT, HOST, ONE_THREAD, is_painted, running, use_styles

from serve.api.app import build_app
from serve.api.guard import Access
from serve.engine import Engine

EXAMPLE = Path(__file__).parents[1] / "examples" / "api_client.py"
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_styles(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_TOKEN", TOKEN)
    Path("cat.png").write_bytes(CAT)


def run(*words: str, token: str = TOKEN) -> Any:
    with running(build_app(Engine(ONE_THREAD), access=Access(token=token))) as server:
        return runpy.run_path(str(EXAMPLE))["main"](["--server", f"http://{HOST}:{server.port}", *words])


def test_styles_are_listed(capsys):
    assert run() == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["six", "Six,", "A.", "Painter"] and second.startswith("waves ")


def test_pictures_are_written_here(capsys):
    assert run("cat.png", "waves", "six") == 0
    assert is_painted(Path("cat-waves.png").read_bytes())
    assert is_painted(Path("cat-six.png").read_bytes(), weights=(1, 1, 1))
    assert "cat-six.png: 64x40 px" in capsys.readouterr().out


def test_what_is_wrong_is_said(capsys):
    Path("text.png").write_text("no picture")
    assert run("text.png", "waves") == 1
    assert "text.png is not a picture that can be read here" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="there is no style 'night'"):
        run("cat.png", "night")
    with pytest.raises(SystemExit, match="a token is needed"):
        run(token=TOKEN[::-1])
