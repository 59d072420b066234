"""`impasto train` and `impasto export` as they are typed, on a scale of seconds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from learning import learn_here
from PIL import Image

from impasto.main import main
from models.catalog import read_style
from nst_core.ledger import Ledger
from train.cluster import engines

QUICK = ["--steps", "2", "--crop-px", "64", "--batch-size", "1", "--size", "128", "--base", "none"]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photos, paintings and files that are none."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    random = np.random.default_rng(0)
    for name in ("photos/a.png", "photos/b.png", "art/waves.png", "art/night.png"):
        Path(name).parent.mkdir(exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
        coarse.resize((128, 96), Image.Resampling.BICUBIC).save(name)
    Path("broken.png").write_text("no picture")
    Image.new("RGB", (20, 20)).save("tiny.png")
    return folder


def train(*words: str) -> int:
    return main(["train", *words, "--photos", "photos", *QUICK])


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().split("\n")[-1]


def test_paintings_are_learned_past_those_that_fail(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("about.yaml").write_text("waves.png: {title: The Waves, artist: A. Painter, license: CC0-1.0}")
    assert train("art/waves.png", "tiny.png", "broken.png", "--about", "about.yaml") == 2
    captured = capsys.readouterr()
    assert "broken.png" in captured.err and "skipped" in captured.err
    assert "tiny: failed: " in captured.err and "too few" in captured.err
    assert "1 of 2 learned; see training/report.html" in captured.out

    card = read_style(tmp_path / "styles" / "waves.onnx").card
    assert (card.title, card.paintings[0].license, card.steps) == ("The Waves", "CC0-1.0", 2)
    report = Path("training/report.html").read_text()
    assert "The Waves" in report and "too few" in report
    assert Image.open("training/contact-sheet.png").height > 200

    assert main(["train", "--status"]) == 0
    table = capsys.readouterr().out
    assert [line.split()[:2] for line in table.strip().split("\n")[1:]] == [
        ["waves", "done"], ["tiny", "failed"],
    ]  # fmt: skip

    before = (tmp_path / "styles" / "waves.onnx").stat().st_mtime_ns
    assert train("art/waves.png", "--about", "about.yaml") == 0  # done already
    assert (tmp_path / "styles" / "waves.onnx").stat().st_mtime_ns == before


def test_palette_holds_all_paintings_of_a_folder_and_is_exported_again(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "learn_in_child", learn_here)
    assert train("art", "--palette", "mine", "-o", ".") == 0
    style = read_style(Path("mine.onnx"))
    assert [painting.name for painting in style.card.paintings] == ["night", "waves"]
    assert main(["export", "training/mine/network.safetensors", "-o", "again.onnx"]) == 0
    assert Path("again.onnx").read_bytes() == Path("mine.onnx").read_bytes()
    assert "again.onnx" in capsys.readouterr().out
    assert main(["paint", "photos/a.png", "--style", "mine.onnx", "--weights", "1,3", "-o", "painted.png"]) == 0
    assert Image.open("painted.png").size == (128, 96)


def test_ctrl_c_keeps_the_state_and_the_same_command_goes_on(work: Path) -> None:
    words = ["train", "art/waves.png", "--photos", "photos", *QUICK, "--steps", "300"]
    command = [sys.executable, "-m", "impasto.main", *words]
    night = subprocess.Popen(
        command, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    )
    ledger = Ledger(Path("training/ledger.sqlite"))
    deadline = time.monotonic() + 180
    while not any(job.progress for job in ledger.jobs()) and time.monotonic() < deadline:
        time.sleep(0.05)
    night.send_signal(signal.SIGINT)
    _, error = night.communicate(timeout=120)
    assert night.returncode == 130 and b"stopped" in error
    assert Path("training/waves/state.ckpt").exists()
    assert [job.state for job in ledger.jobs()] == ["waiting"]
    steps = torch.load("training/waves/state.ckpt", weights_only=True)["global_step"]
    assert 0 < steps < 300


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a painting"),
        (["nothing.png"], "nothing.png"),
        (["broken.png"], "broken.png"),
        (["art", "--until", "2020-01-01 07:00"], "--until 2020-01-01 07:00 is past"),
        (["art", "--until", "breakfast"], "is no time"),
        (["art", "--network", "vit"], "network"),
        (["art", "--photos", "art/waves.png"], "is not a folder"),
        (["art", "--photos", "nowhere"], "is not a folder"),
        (["art", "--title", "Both"], "--title is for one painting"),
        (["art", "--about", "broken.png"], "broken.png must be like"),
        (["art", "--base", "nowhere.safetensors"], "there is no such file"),
        (["art", "--until", "07:00", "--minutes-per-style", "3"], "either --until or --minutes-per-style"),
        (["--status"], "training holds no run"),
    ],
)
def test_wrong_input_is_one_line(
    work: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["train", "--photos", "photos", *words]) == 2
    assert message in error_of(capsys)
    assert not Path("training").exists() or not Path("training/ledger.sqlite").exists()


def test_broken_network_is_not_exported(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "broken.png"]) == 2
    assert "not a network of Impasto" in error_of(capsys)
