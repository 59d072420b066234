"""A night on a Ray cluster of two nodes: whatever is killed or hangs, it learns what one machine learns."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from learning import learn_here, weights
from PIL import Image
from troubled_easel import Trouble
from two_nodes import PATHS, Cluster, processes, ray, two_nodes, wait_for

from impasto.main import main
from impasto.train_display import print_status
from models.catalog import read_style
from nst_core.cluster import ONE_MACHINE
from nst_core.copies import copy_path
from nst_core.ledger import Ledger
from train.cluster import easel, engines
from train.cluster import learners as ray_learners
from train.cluster import places as ray_places
from train.cluster.easel import Duty, Easel, train_versions
from train.cluster.engines import open_learners
from train.machines import Machines
from train.night.queue import NightOptions, night
from train.style.job import StyleJob, describe
from train.style.options import StyleOptions

STYLES = ["night", "sea"]
COMMAND = ["train", "art", "--photos", "photos", "--steps", "24", "--crop-px", "64", "--batch-size", "1"]
COMMAND += ["--size", "128", "--base", "none"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with two_nodes() as started:
        yield started


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photos and paintings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    for name in ("photos/a", "photos/b", *(f"art/{style}" for style in STYLES)):
        path = Path(f"{name}.png")
        path.parent.mkdir(exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
        coarse.resize((128, 96), Image.Resampling.BICUBIC).save(path)
    return tmp_path


def add_jobs(folder: Path, names: Sequence[str]) -> Ledger:
    """A ledger of jobs that nobody has begun."""
    ledger = Ledger(folder / "run" / "ledger.sqlite")
    painting = describe(folder / "art" / "sea.png", {})
    for name in names:
        output = folder / "styles" / f"{name}.onnx"
        job = StyleJob(name, name, (painting,), StyleOptions(), folder / "photos", None, None, output)
        ledger.add(name, job.to_spec())
    return ledger


def test_a_deadly_job_is_set_aside_and_a_hanging_one_is_learned_by_another(
    studio: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
):
    monkeypatch.setattr(ray_places, "Easel", Trouble)
    monkeypatch.setattr(ray_learners, "LATE_S", 1.0)
    monkeypatch.setattr(ray_learners, "HUNG_S", 2.0)
    monkeypatch.setattr(ray_learners, "LOOK_EVERY_S", 0.3)
    ledger = add_jobs(studio, ["plain", "deadly", "hanging", "wrong", "last"])
    said: list[str] = []
    with (
        ledger.working(),
        open_learners(
            "ray", studio / "run", studio / "styles", Machines(), str(cluster.address), said.append
        ) as learners,
    ):
        events = list(night(ledger, learners, NightOptions()))
    assert not ray.is_initialized()
    jobs = {job.name: job for job in ledger.jobs()}
    ended = [(event.job.name, event.kind) for event in events if event.kind in ("done", "failed")]
    assert sorted(ended) == [
        ("deadly", "failed"), ("hanging", "done"), ("last", "done"), ("plain", "done"), ("wrong", "failed"),
    ]  # fmt: skip
    assert jobs["deadly"].reason and jobs["deadly"].reason.startswith("3 processes fell over it, the last on ")
    assert jobs["deadly"].reason.endswith("it was set aside")
    assert jobs["wrong"].reason == "too small; take a larger one"
    assert jobs["last"].result == {"steps": 2} and jobs["last"].progress and jobs["last"].progress["host"]
    assert sum("what learned deadly on" in line and "has fallen" in line for line in said) == 2
    assert any("has told nothing of hanging for" in line for line in said)
    assert any("what learned hanging on" in line and "another goes on with it" in line for line in said)
    assert not list(studio.rglob(".impasto-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_whatever_is_killed_the_weights_are_those_of_one_machine(
    studio: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
):
    driver = start(QUICK, "--address", str(cluster.address))
    with monkeypatch.context() as patch:
        patch.setattr(engines, "learn_in_child", learn_here)
        assert main([*COMMAND, "--run", "alone", "-o", "alone-styles"]) == 0
    wait_for(lambda: len(learning()) == 2 and steps("night") >= 1 and steps("sea") >= 1, driver)
    processes("ray::Easel")[0].kill()
    wait_for(lambda: "has fallen" in errors() and "another goes on with it" in errors(), driver)
    wait_for(lambda: len(list(Path("run").glob("*/network.safetensors"))) >= 1, driver)
    driver.kill()
    driver.wait()
    wait_for(lambda: not processes("ray::Easel") and not learning())
    assert Ledger(Path("run/ledger.sqlite")).counts()["done"] < len(STYLES)
    once = when_written()

    driver = start(QUICK, "--address", str(cluster.address))
    wait_for(lambda: bool(learning()), driver)
    assert cluster.head_node
    cluster.head_node.kill_gcs_server()  # no test comes after this one
    assert driver.wait(120) == 2
    assert "the head of the Ray cluster is gone" in errors()
    wait_for(lambda: not learning())

    monkeypatch.delenv(ONE_MACHINE)
    driver = start(PLAIN)  # on a cluster of its own, on this machine
    wait_for(lambda: bool(learning()), driver)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(120) == 130
    assert not learning()
    assert Ledger(Path("run/ledger.sqlite")).counts()["running"] == 0

    for left in Path(".").rglob(".impasto-*"):
        os.utime(left, (0, 0))  # as if that were long ago
    driver = start(PLAIN)
    family = psutil.Process(driver.pid).children(recursive=True)
    assert driver.wait(400) == 0, errors()
    assert not psutil.wait_procs(family, 20)[1], "left behind"

    assert once.items() <= when_written().items(), "learned twice"
    for name in STYLES:
        here, ours = (weights(Path(run) / name) for run in ("alone", "run"))
        assert here.keys() == ours.keys() and all(torch.equal(here[key], ours[key]) for key in here), name
        assert read_style(Path("styles") / f"{name}.onnx").card.hardware["threads"] == 1
    assert records(Path("run")) == records(Path("alone"))
    assert not list(Path(".").rglob(".impasto-*"))


PROGRAM = [sys.executable, "-c"]
PLAIN = "import sys; from impasto.main import main; sys.exit(main(sys.argv[1:]))"
QUICK = f"from train.cluster import learners; learners.LOOK_EVERY_S = 0.5; {PLAIN}"


def start(program: str, *more: str) -> subprocess.Popen:
    words = [*PROGRAM, program, *COMMAND, "--run", "run", "-o", "styles", "--engine", "ray", *more]
    with Path("errors.txt").open("w") as file:
        return subprocess.Popen(words, env=os.environ | PATHS, stdout=subprocess.DEVNULL, stderr=file)


def errors() -> str:
    return Path("errors.txt").read_text()


def learning() -> list[psutil.Process]:
    """Processes that learn in our folder; who has lost its parent is nobody's child."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "train.night.worker" in words and words[-1].startswith(str(Path("run").absolute())):
            found.append(process)
    return found


def steps(name: str) -> int:
    """As they were last noted."""
    jobs = {job.name: job for job in Ledger(Path("run/ledger.sqlite")).jobs()}
    return (jobs[name].progress or {}).get("step", 0) if name in jobs else 0


def when_written() -> dict[str, int]:
    """Networks that are done."""
    return {path.parent.name: path.stat().st_mtime_ns for path in Path("run").glob("*/network.safetensors")}


def records(run: Path) -> dict[str, object]:
    """What the ledger holds, but for the clock, the machine, and where the styles are."""
    found = {}
    for job in Ledger(run / "ledger.sqlite").jobs():
        result = {key: value for key, value in (job.result or {}).items() if key not in ("seconds", "style_path")}
        spec = {key: value for key, value in job.spec.items() if key != "output"}
        found[job.name] = json.dumps([spec, job.state, job.reason, result], sort_keys=True)
    return found


def test_the_status_tells_where_a_style_is_learned(studio: Path, capsys: pytest.CaptureFixture[str]):
    ledger = add_jobs(studio, ["waves"])
    with ledger.working():
        job = ledger.claim()
        assert job
        ledger.note(job.id, 1.0, {"host": "north"})
        assert print_status(studio / "run") == 0
        ledger.note(job.id, 2.0, {"step": 3, "share": 0.5, "host": "north"})
        assert print_status(studio / "run") == 0
    told = capsys.readouterr().out
    assert "starting on north" in told and "step 3, 50% on north" in told


def duty(tmp_path: Path, **changes: Any) -> Duty:
    (tmp_path / "token").touch()
    return Duty(**{"folder": tmp_path, "tokens": (tmp_path / "token",), "versions": train_versions(),
                   "machines": Machines(), **changes})  # fmt: skip


def test_a_machine_that_does_not_share_the_folder_learns_nothing(tmp_path: Path):
    asked = duty(tmp_path, tokens=(tmp_path / "elsewhere" / ".impasto-x",))
    (told,) = Easel().learn(asked, {}, "waves", {}, None)
    assert told.what == "unfit"
    assert f"does not see {tmp_path / 'elsewhere'}; all machines have to share that folder" in told.text


def test_a_machine_that_does_not_see_the_photos_learns_nothing(tmp_path: Path):
    (told,) = Easel().learn(duty(tmp_path), {tmp_path / "photos": None}, "waves", {}, None)
    assert told.what == "unfit" and f"does not see {tmp_path / 'photos'}; all machines have to share it" in told.text


def test_a_machine_of_other_versions_learns_nothing(tmp_path: Path):
    asked = duty(tmp_path, versions=train_versions().replace("torch ", "torch 1."))
    (told,) = Easel().learn(asked, {}, "waves", {}, None)
    assert told.what == "unfit"
    assert told.text.endswith(f"has {train_versions()}, and here is {asked.versions}; install the same on all machines")


def test_what_is_in_a_store_needs_its_copies_under_the_same_path(tmp_path: Path):
    url = "s3://studio/photos"
    for asked, needs in (
        (duty(tmp_path), {tmp_path / "photos": url}),
        (duty(tmp_path, styles=(tmp_path / "styles", "s3://studio/styles")), {}),
    ):
        (told,) = Easel().learn(asked, needs, "waves", {}, None)
        assert told.what == "unfit" and told.text.endswith("set IMPASTO_CACHE_DIR alike on all machines")


def test_what_is_in_a_store_is_fetched_where_it_is_learned(studio: Path, monkeypatch: pytest.MonkeyPatch):
    brought: list[str] = []
    monkeypatch.setattr(easel, "bring", lambda url, suffixes: brought.append(url))
    monkeypatch.setattr(easel, "learn_in_child", lambda job, folder, budget_s, machines: iter([]))
    photos, styles = "s3://studio/photos", "s3://studio/styles"
    asked = duty(studio, styles=(copy_path(styles), styles))
    (job,) = add_jobs(studio, ["waves"]).jobs()
    here, done = Easel().learn(asked, {copy_path(photos): photos, studio / "art": None}, "waves", job.spec, None)
    assert (here.what, done.what, brought) == ("here", "done", [photos])
