"""`impasto compare`, as it is typed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from compared_style import write_compared_style, write_network
from PIL import Image
from random_pictures import random_picture

from impasto.main import main
from nst_core import curve, features
from nst_core.picture import read_picture

COMMAND = ["compare", "cat.png", "--style", "waves", "-o", "out", "--iterations", "25", "--provider", "cpu"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: two photos, a painting, and the style of it among the user's own."""
    network_file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    styles = tmp_path / "styles"
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(styles))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for seed, name in enumerate(("cat", "dog", "waves")):
        Image.fromarray(random_picture(64, 96, seed).pixels).save(f"{name}.png")
    network = features.load_network("compact")
    write_compared_style(styles / "waves.onnx", [random_picture(64, 64, 2)], network)
    write_compared_style(styles / "two.onnx", [random_picture(64, 64, 2), random_picture(64, 64, 3)], network)
    return work


def test_writes_a_report(capsys: pytest.CaptureFixture[str]):
    assert main(COMMAND) == 0
    said = capsys.readouterr().out
    assert said.startswith("out/compare.html: Under compact, this network")
    assert sorted(os.listdir("out")) == ["compare.html", "compare.json", "strip.png"]
    found = json.loads(Path("out/compare.json").read_text())
    assert [r["key"] for r in found["renderings"]] == ["fast", "slow 10", "slow 25", "refined 25", "refined 50"]
    assert found["painting"] is None and found["photo"]["file"] == "cat.png"
    assert read_picture("out/strip.png").width > 3 * 64


def test_the_painting_is_shown_and_its_colors_compared():
    assert main([*COMMAND, "--painting", "waves.png"]) == 0
    found = json.loads(Path("out/compare.json").read_text())
    assert found["painting"]["file"] == "waves.png"
    assert found["renderings"][0]["likeness"]["color_distance"] > 0


def test_several_photos_give_a_summary_and_what_is_broken_is_skipped(capsys: pytest.CaptureFixture[str]):
    Path("broken.png").write_bytes(b"no picture")
    assert main(["compare", "cat.png", "broken.png", "dog.png", *COMMAND[2:], "--style", "two"]) == 2
    output = capsys.readouterr()
    assert output.err.count("broken.png") == 2 and "2 of 6 could not be compared" in output.err
    names = ["cat-two", "cat-waves", "compare.html", "compare.json", "dog-two", "dog-waves"]
    assert sorted(os.listdir("out")) == names
    assert "cat-waves/compare.html" in Path("out/compare.html").read_text()
    assert len(json.loads(Path("out/compare.json").read_text())["comparisons"]) == 4


def test_a_second_run_computes_nothing_again(monkeypatch: pytest.MonkeyPatch):
    assert main(COMMAND) == 0
    first = json.loads(Path("out/compare.json").read_text())
    monkeypatch.setattr(curve, "optimize", lambda *_, **__: pytest.fail("computes again"))
    assert main(COMMAND) == 0
    again = json.loads(Path("out/compare.json").read_text())
    assert again["curves"] == first["curves"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cat.png": "bird.png"}, "bird.png does not exist"),
        ({"waves": "wave"}, "there is no style 'wave'; did you mean waves"),
        ({"25": "26"}, "--iterations: invalid choice: 26"),
        ({"out": "dog.png"}, "-o dog.png is a file; name a folder"),
        ({"cpu": "gpu"}, "--provider: invalid choice"),
        ({"waves": "two", "--provider": "--weights", "cpu": "1,2,3"}, "two holds 2 paintings"),
        ({"--provider": "--network", "cpu": "vgg19"}, "--network vgg19 needs the painting itself"),
        ({"--provider": "--painting", "cpu": "nothing.png"}, "nothing.png does not exist"),
        ({"--provider": "--device", "cpu": "cuda"}, "--device cuda: torch finds no graphics card"),
        ({"--provider": "--memory-limit", "cpu": "1MB"}, "GB"),
    ],
)
def test_wrong_input_is_one_clear_line(changed: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main([changed.get(word, word) for word in COMMAND]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not Path("out/compare.html").exists()


def test_one_painting_for_two_styles_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, "--style", "two", "--painting", "waves.png"]) == 2
    assert "--painting belongs to one style" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path, cache_folder: Path):
    script = (
        "import sys; from pathlib import Path; from nst_core import features;"
        f"features.compact_path = lambda: Path({str(tmp_path / 'compact.safetensors')!r});"
        "from impasto.main import main; sys.exit(main(sys.argv[1:]))"
    )
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", script, *["1000" if word == "25" else word for word in COMMAND]]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root)})
    until = time.monotonic() + 180
    while not list(cache_folder.rglob("00025.png")):
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and said.strip() == "impasto: stopped"
    assert list(cache_folder.rglob("state.safetensors")) and not Path("out/compare.html").exists()
