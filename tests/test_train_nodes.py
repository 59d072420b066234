"""One training on several machines: who is who, which crop each sees, and how a night survives."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from learning import learn_here, weights
from PIL import Image
from waiting import free_port, wait

from models.catalog import read_style
from models.registry import build
from nst_core.errors import ConfigError
from nst_core.ledger import Ledger
from train.crew.nodes import Node, find_node
from train.machines import Machines
from train.night.child import TURN, Turn, prepare
from train.photos.crops import CropsModule
from train.style import run as style_run
from train.style.callbacks import Stopped
from train.style.job import StyleJob, describe
from train.style.options import StyleOptions

TWO = Machines(num_nodes=2)
HAND = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "NODE_RANK": "1"}
TORCHRUN = {
    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "night", "RANK": "3", "LOCAL_RANK": "1",
    "GROUP_RANK": "1", "WORLD_SIZE": "4", "TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_USE_AGENT_STORE": "True",
}  # fmt: skip
SLURM = {
    "SLURM_JOB_ID": "123456", "SLURM_JOB_NAME": "learn", "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_NNODES": "2", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1", "SLURM_NODELIST": "gpu[07-09]",
}  # fmt: skip


@pytest.fixture(autouse=True)
def started_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {*HAND, *TORCHRUN, *SLURM}:
        monkeypatch.setenv(name, "")  # so that what Lightning sets is taken back, too
        monkeypatch.delenv(name)


def start(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_place_is_told_by_variables_torchrun_or_srun(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_node(Machines()) is None
    assert find_node(Machines(devices=2)) is None  # Lightning starts the other one
    with monkeypatch.context() as patch:
        start(patch, HAND)
        assert find_node(TWO) == Node(1, 2, "127.0.0.1", 29500, run="/")
    with monkeypatch.context() as patch:
        start(patch, TORCHRUN)
        assert find_node(Machines(2, 2)) == Node(3, 4, "127.0.0.1", 29500, hosted=True, run="night/2")
    start(monkeypatch, SLURM)
    assert find_node(Machines(2, 2)) == Node(3, 4, "gpu07", 15000 + 3456, run="/")


@pytest.mark.parametrize(
    ("variables", "machines", "message"),
    [
        ({}, TWO, "--num-nodes 2, but MASTER_ADDR, MASTER_PORT, NODE_RANK is not set; start it on all"),
        ({"NODE_RANK": "1", "MASTER_PORT": "29500"}, TWO, "but MASTER_ADDR is not set"),
        ({**HAND, "NODE_RANK": "2"}, TWO, "NODE_RANK=2, but machines are numbered from 0, and --num-nodes is 2"),
        ({**HAND, "NODE_RANK": "second"}, TWO, "NODE_RANK=second is no number"),
        ({**HAND, "MASTER_PORT": "99999"}, TWO, "MASTER_PORT=99999 is no port"),
        ({**HAND, "WORLD_SIZE": "3"}, TWO, "WORLD_SIZE=3, but --num-nodes 2 with --devices 1 is 2"),
        ({**HAND, "LOCAL_RANK": "0"}, TWO, "LOCAL_RANK is set"),
        (HAND, Machines(), "NODE_RANK=1 is set, so this is one of several machines; give their number: --num-nodes"),
        (TORCHRUN, Machines(), "torchrun started 4 processes; give their numbers"),
        (TORCHRUN, TWO, "torchrun started 4 processes, but --num-nodes 2 with --devices 1 is 2"),
        (SLURM, TWO, "srun started 4 processes, but --num-nodes 2 with --devices 1 is 2"),
        ({**SLURM, "SLURM_NNODES": "4"}, Machines(2, 2), "said by Lightning"),
        ({**SLURM, "SLURM_NTASKS_PER_NODE": "1"}, Machines(2, 2), "said by Lightning"),
    ],
)
def test_wrong_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], machines: Machines, message: str
) -> None:
    start(monkeypatch, variables)
    with pytest.raises(ConfigError) as caught:
        find_node(machines)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_srun_without_tasks_per_node_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    start(monkeypatch, {name: value for name, value in SLURM.items() if name != "SLURM_NTASKS_PER_NODE"})
    with pytest.raises(ConfigError, match="srun must be given --ntasks-per-node=2"):
        find_node(Machines(2, 2))


@pytest.mark.parametrize("worlds", [(1, 2, 1), (2, 3, 1, 4), (4, 1, 3)])
def test_each_crop_is_seen_once_across_changes_of_the_number_of_processes(worlds: tuple[int, ...]) -> None:
    batch, batches, position = 3, 5, 0
    seen: list[int] = []
    for world in worlds:
        for rank in range(world):
            crops = data_at(position, batch)._crops()
            crops.rank, crops.world_size = rank, world
            crops._crop = lambda rng: rng  # type: ignore[method-assign,assignment]
            numbered = {random_state(0, number): number for number in range(position, position + 200)}
            stream = iter(crops)
            seen += [numbered[str(next(stream).bit_generator.state)] for _ in range(batch * batches)]  # type: ignore[attr-defined]
        trained = data_at(position, batch)
        train_on(trained, world, batches)
        position = trained.state_dict()["position"]
    assert position == batch * batches * sum(worlds)
    assert sorted(seen) == list(range(position))


def data_at(position: int, batch: int) -> CropsModule:
    """Data that goes on after so many crops."""
    data = CropsModule(None, batch=batch)  # type: ignore[arg-type]
    data.load_state_dict({"position": position})
    return data


def train_on(data: CropsModule, world: int, batches: int) -> None:
    """As Lightning does, as far as the data sees it."""
    total = SimpleNamespace(processed=7)  # of what was trained on before
    progress = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=SimpleNamespace(total=total)))
    data.trainer = SimpleNamespace(world_size=world, fit_loop=progress)  # type: ignore[assignment]
    data.train_dataloader()
    total.processed += batches


def random_state(seed: int, number: int) -> str:
    return str(np.random.default_rng((seed, number)).bit_generator.state)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of all machines, with photos and two paintings."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in (
        ("IMPASTO_STYLES_DIR", str(tmp_path / "styles")), ("IMPASTO_CACHE_DIR", str(tmp_path / "cache")),
        ("PYTHONPATH", str(Path(__file__).parents[1])),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    random = np.random.default_rng(0)
    for name in ("photos/a.png", "photos/b.png", "art/waves.png", "art/night.png"):
        Path(name).parent.mkdir(exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
        coarse.resize((128, 96), Image.Resampling.BICUBIC).save(name)
    return folder


WORDS = [
    "--photos",
    "photos",
    "--steps",
    "60",
    "--crop-px",
    "64",
    "--batch-size",
    "1",
    "--size",
    "128",
    "--base",
    "none",
]


Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(work: Path) -> Iterator[Begin]:
    """`impasto train` as it is typed."""
    begun: list[subprocess.Popen[str]] = []

    def start(variables: Mapping[str, str], *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "impasto.main", "train", "art", *WORDS, *words]
        begun.append(subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **variables}, text=True))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def by_hand(rank: int, port: int) -> dict[str, str]:
    return {**HAND, "MASTER_PORT": str(port), "NODE_RANK": str(rank)}


def by_srun(rank: int, port: int) -> dict[str, str]:
    return SLURM | {
        "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_PROCID": str(rank), "SLURM_NODEID": str(rank),
        "SLURM_LOCALID": "0", "SLURM_NODELIST": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip


def state_of(name: str) -> tuple[int, int]:
    """Steps and crops that a style was trained for."""
    state = torch.load(f"training/{name}/state.ckpt", weights_only=True)
    return state["global_step"], state["CropsModule"]["position"]


def test_night_on_two_machines_goes_on_on_one_and_on_two_again(begin: Begin, tmp_path: Path) -> None:
    port, curve = free_port(), Path("training/night/metrics.csv")
    first, second = (begin(by_hand(rank, port), "--num-nodes", "2") for rank in (0, 1))
    wait(curve.exists)
    children = [child for command in (first, second) for child in psutil.Process(command.pid).children()]
    children = [child for child in children if child.name().startswith("python")]  # not what keeps the machine awake
    assert len(children) == 2
    second.kill()
    second.wait()
    _, error = first.communicate(timeout=300)
    assert first.returncode == 2
    assert "(rank 1) is gone; what was learned is kept, and the same command goes on" in error.split("\n")[-2]
    psutil.wait_procs(children, 30)
    assert not any(child.is_running() for child in children)
    steps, crops = state_of("night")
    assert 5 <= steps < 60 and crops == 2 * steps
    assert [(job.name, job.state) for job in Ledger(Path("training/ledger.sqlite")).jobs()] == [
        ("night", "waiting"), ("waves", "waiting"),
    ]  # fmt: skip

    job, more = StyleJob.from_spec(json.loads(Path("training/night/job.json").read_bytes())), []
    with pytest.raises(Stopped):  # alone
        style_run.learn(
            job, Path("training/night"), tell=lambda report: more.append(report.step), stop=lambda: len(more) == 3
        )
    assert more[0] == steps + 1 and state_of("night") == (more[-1], crops + len(more))

    port = free_port()
    both = [begin(by_srun(rank, port), "--num-nodes", "2") for rank in (0, 1)]
    errors = [command.communicate(timeout=300)[1] for command in both]
    assert [command.returncode for command in both] == [0, 0], errors
    assert "learning night with 1 other\nlearning waves with 1 other\nthe night is over" in errors[1]
    for name in ("night", "waves"):
        card = read_style(tmp_path / "styles" / f"{name}.onnx").card
        assert (card.steps, card.hardware["processes"]) == (60, 2)


WORKER = """
import sys
from pathlib import Path
from train.style import run as style_run
from train.night import worker
style_run.precision = lambda: "32-true"
worker.main(Path(sys.argv[1]))
"""


def test_two_processes_with_four_photos_learn_what_one_does_with_eight(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_run, "precision", lambda: "32-true")
    painting = describe(Path("art/waves.png").resolve(), {})
    options = StyleOptions(steps=4, crop_px=64, size=128)
    Path("worker.py").write_text(WORKER)
    folders = {batch: Path(f"with_{batch}").resolve() for batch in (8, 4)}
    jobs = {
        batch: StyleJob(
            "waves", "Waves", (painting,), replace(options, batch_size=batch), Path("photos").resolve(), None, None,
            folder / "waves.onnx",
        )
        for batch, folder in folders.items()
    }  # fmt: skip
    prepare(jobs[4], folders[4])
    with subprocess.Popen(
        [sys.executable, "worker.py", str(folders[4])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {TURN: Turn(None, Machines(devices=2, strategy="ddp")).to_json()},
    ) as run:  # fmt: skip
        for _ in learn_here(jobs[8], folders[8]):
            pass
        assert run.stdout and b"result" in run.stdout.read()
    one, two = (weights(folder) for folder in folders.values())
    torch.manual_seed(0)
    begun = build("swift", None, 1).state_dict()
    moved, apart = ([(one[name] - tensor).abs() for name, tensor in other.items()] for other in (begun, two))
    assert max(float(tensor.max()) for tensor in moved) > 1e-3
    assert max(float(tensor.max()) for tensor in apart) <= 2**-11  # by half an ulp either way: they are kept as halves
    assert sum(float(tensor.sum()) for tensor in apart) < 0.05 * sum(float(tensor.sum()) for tensor in moved)
    cards = [read_style(job.output).card for job in jobs.values()]
    assert [(card.hardware["processes"], card.hardware["photos_a_step"]) for card in cards] == [(1, 8), (2, 8)]
