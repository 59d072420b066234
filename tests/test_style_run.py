"""Learning a style on a scale of seconds: it learns, is exported, survives kills, and sees what goes wrong."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from learning import weights
from PIL import Image

from models.catalog import read_style
from models.registry import load_network
from nst_core import features
from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError
from nst_core.picture import Picture
from serve.engine import Engine
from serve.paint_options import PaintOptions
from train.style import card as style_card
from train.style import run as style_run
from train.style.batch_size import fitting_batch_size
from train.style.callbacks import Stopped, fault_of
from train.style.job import StyleJob, describe
from train.style.module import StyleModule
from train.style.options import StyleOptions
from train.style.previews import Previews
from train.style.progress import Report
from train.style.run import learn

OPTIONS = StyleOptions(steps=6, batch_size=2, crop_px=64, size=128)


@pytest.fixture
def job(network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StyleJob:
    """One painting, three photos, a loss network too narrow to see much, and small pictures to be judged by."""
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    monkeypatch.setattr(style_run, "Previews", partial(Previews, long_side_px=64))
    monkeypatch.setattr(style_card, "JUDGED_PX", 96)
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for name in ("photos/a.png", "photos/b.png", "photos/c.png", "waves.png"):
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
        coarse.resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / name)
    painting = describe(tmp_path / "waves.png", {"artist": "A. Painter"})
    return StyleJob(
        "waves", "Waves", (painting,), OPTIONS, tmp_path / "photos", None, None, tmp_path / "styles" / "waves.onnx"
    )


def test_a_painting_becomes_a_file_that_paints(job: StyleJob, tmp_path: Path) -> None:
    reports: list[Report] = []
    result = learn(job, tmp_path / "run", tell=reports.append)

    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6]
    assert reports[-1].share == 1 and reports[2].share == 0.5
    style = read_style(job.output)
    assert (style.card.name, style.card.title, style.card.steps) == ("waves", "Waves", 6)
    assert style.card.paintings[0].artist == "A. Painter"
    assert style.card.photos.count == 3
    assert result["figures"] == dict(style.card.figures)
    grams = style.card.paintings[0].grams()
    assert set(grams) == {"relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"}
    assert grams["relu1_1"].shape == (3, 3)

    photo = Picture.from_float(np.random.default_rng(1).random((40, 56, 3)))
    painted = Engine().stylize(photo, style, PaintOptions(strength=1.0))
    unpainted = Engine().stylize(photo, style, PaintOptions(strength=0.0))
    assert painted.pixels.shape == photo.pixels.shape
    assert np.abs(painted.as_float() - photo.as_float()).mean() > 0.02
    assert np.abs(unpainted.as_float() - photo.as_float()).max() < 0.01


def test_a_preview_and_a_curve_are_there_early(job: StyleJob, tmp_path: Path) -> None:
    begun: list[tuple[bool, bool]] = []

    def look(report: Report) -> None:
        begun.append(((tmp_path / "run" / "preview.png").exists(), (tmp_path / "run" / "metrics.csv").exists()))

    learn(job, tmp_path / "run", tell=look)
    assert begun[0][0] and begun[-1] == (True, True)


def test_the_loss_falls(job: StyleJob, tmp_path: Path) -> None:
    reports: list[Report] = []
    learn(replace(job, options=replace(OPTIONS, steps=40)), tmp_path / "run", tell=reports.append)
    losses = [report.figures["loss"] for report in reports]
    assert np.mean(losses[-8:]) < 0.7 * np.mean(losses[:8])


class Killed(Exception):
    """Stands for a kill between two steps."""


def killed_at(*steps: int):
    left = list(steps)

    def tell(report: Report) -> None:
        if left and report.step == left[0]:
            left.pop(0)
            raise Killed

    return tell


def test_a_run_that_was_killed_twice_ends_with_the_same_weights(
    job: StyleJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_run, "CHECKPOINT_EVERY", timedelta(0))
    learn(job, tmp_path / "whole")
    tell = killed_at(3, 5)
    for _ in range(2):
        with pytest.raises(Killed):
            learn(job, tmp_path / "cut", tell=tell)
    learn(job, tmp_path / "cut", tell=tell)

    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, cut[name]), name
    assert (tmp_path / "whole" / "metrics.csv").read_text().split("\n")[1].split(",")[0] == "5"
    curves = [(tmp_path / name / "metrics.csv").read_text().split("\n")[1].split(",")[2:] for name in ("whole", "cut")]
    assert curves[0] == curves[1]


def test_who_asks_it_to_stop_finds_the_state_kept(job: StyleJob, tmp_path: Path) -> None:
    steps: list[int] = []
    with pytest.raises(Stopped):
        learn(job, tmp_path / "run", tell=lambda report: steps.append(report.step), stop=lambda: len(steps) == 4)
    learn(job, tmp_path / "run", tell=lambda report: steps.append(report.step))
    assert steps == [1, 2, 3, 4, 5, 6]


def test_time_ends_it_where_time_is_given(job: StyleJob, tmp_path: Path) -> None:
    reports: list[Report] = []
    learn(replace(job, options=replace(OPTIONS, steps=10**6)), tmp_path / "run", 1.5, reports.append)
    assert reports[-1].share == 1 and reports[-1].steps is None
    assert 1.5 <= reports[-1].seconds < 10


def test_from_a_base_it_begins_with_the_row_of_the_same_painting(job: StyleJob, tmp_path: Path) -> None:
    learn(job, tmp_path / "first")
    base = tmp_path / "first" / "network.safetensors"
    still = replace(job, base=base, options=replace(OPTIONS, steps=1, learning_rate=1e-9))
    learn(still, tmp_path / "second")
    first, second = (load_network(tmp_path / name / "network.safetensors")[1] for name in ("first", "second"))
    torch.testing.assert_close(first.table, second.table, atol=1e-4, rtol=0)


def test_a_loss_that_is_no_number_is_tried_again_more_slowly_and_then_given_up(
    job: StyleJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factors: list[float] = []
    step = StyleModule.training_step

    def broken(self: StyleModule, batch: torch.Tensor, index: int) -> torch.Tensor:
        loss = step(self, batch, index)
        if self.global_step == 2:
            factors.append(self.pace.rate_factor)
            return loss * float("inf")
        return loss

    monkeypatch.setattr(StyleModule, "training_step", broken)
    with pytest.raises(ModelError, match="gradient is not a number after 2 steps, 4 times"):
        learn(job, tmp_path / "run")
    assert factors == [1.0, 0.5, 0.25, 0.125]
    assert not job.output.exists()


@pytest.mark.parametrize(
    ("painted", "fault"),
    [
        (torch.full((1, 3, 8, 8), 0.5), "blank"),
        (torch.rand(1, 1, 64, 64).expand(1, 3, 64, 64), "gray"),
        ((torch.rand(1, 3, 64, 64) > 0.5).float(), "black, white"),
        (torch.rand(1, 3, 64, 64), None),
    ],
)
def test_bad_pictures_are_told_from_good_ones(painted: torch.Tensor, fault: str | None) -> None:
    found = fault_of(painted, torch.rand(1, 3, 32, 32))
    assert (found is None) if fault is None else (found is not None and fault in found)


def test_a_gray_painting_may_give_gray_pictures() -> None:
    gray = torch.rand(1, 1, 32, 32).expand(1, 3, 32, 32)
    assert fault_of(gray, gray) is None


def test_batch_fits_the_memory(job: StyleJob) -> None:
    network, cpu = features.load_network("compact"), torch.device("cpu")

    def fitting(limit: float) -> int:
        return fitting_batch_size(job.options, network, cpu, int(limit))

    sizes = [fitting(limit) for limit in (0.95e9, 1.0e9, 8e9)]
    assert sizes == sorted(sizes) and sizes[0] >= 1 and sizes[-1] == 4
    with pytest.raises(BudgetError, match=r"0\.1 GB of memory are too few; learning takes 0\.9 GB"):
        fitting(1e8)


def test_small_painting_is_refused(job: StyleJob, tmp_path: Path) -> None:
    Image.new("RGB", (300, 40)).save(tmp_path / "waves.png")
    with pytest.raises(ImageError, match=r"waves\.png: 128x17 px are too few"):
        learn(job, tmp_path / "run")


@pytest.mark.parametrize("content", [b"no checkpoint", {"state_dict": {}, "style": {"seconds": 1.0}}, {"epoch": 0}])
def test_state_that_is_broken_or_of_another_version_is_refused_and_kept(
    job: StyleJob, tmp_path: Path, content: object
) -> None:
    state = tmp_path / "run" / "state.ckpt"
    state.parent.mkdir()
    if isinstance(content, bytes):
        state.write_bytes(content)
    else:
        torch.save(content, state)
    before = state.read_bytes()
    with pytest.raises(ConfigError, match=r"state\.ckpt cannot be gone on from"):
        learn(job, tmp_path / "run")
    assert state.read_bytes() == before


def test_worker_ends_when_whoever_asked_is_gone_and_keeps_its_state(job: StyleJob, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    endless = replace(job, options=replace(OPTIONS, steps=10**6))
    (folder / "job.json").write_text(json.dumps(endless.to_spec()))
    worker = subprocess.Popen(
        [sys.executable, "-m", "train.night.worker", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin and worker.stdout
    report = json.loads(worker.stdout.readline())
    assert report["step"] >= 1
    worker.stdin.close()
    worker.wait(30)
    assert (folder / "state.ckpt").exists()


WORKER = """
import sys
from datetime import timedelta
from pathlib import Path
from nst_core import features
from train.style import run as style_run
from train.night import worker
features.compact_path = lambda: Path(sys.argv[2])
style_run.CHECKPOINT_EVERY = timedelta(0)
worker.main(Path(sys.argv[1]))
"""


def test_kills_at_random_moments_change_nothing(job: StyleJob, network_file: Path, tmp_path: Path) -> None:
    job = replace(job, options=replace(OPTIONS, steps=20))
    folder = tmp_path / "cut"

    def work(kill_after_s: float | None) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(network_file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout
        process.stdout.readline()  # the first step is done
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            process.send_signal(signal.SIGKILL)
        process.stdout.read()  # while standard input stays open: else it would stop
        process.wait(120)

    learn(job, tmp_path / "whole")
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps(replace(job, output=folder / "waves.onnx").to_spec()))
    for delay_s in np.random.default_rng(0).uniform(0, 0.4, 2):
        work(float(delay_s))
    work(None)
    whole, cut = weights(tmp_path / "whole"), weights(folder)
    for name, tensor in whole.items():
        assert torch.equal(tensor, cut[name]), name
    assert read_style(folder / "waves.onnx").card.steps == 20
