"""What a night is worked on by, as far as it can be told without a cluster."""

import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.main import main
from train.cluster.easel import train_versions
from train.machines import Machines

COMMAND = ["train", "waves.png", "--photos", "photos", "--engine", "ray"]


@pytest.fixture(autouse=True)
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, with a photo and a painting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(tmp_path / "cache"))
    for path in (Path("photos/a.png"), Path("waves.png")):
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
        Image.fromarray(pixels).resize((128, 96)).save(path)


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(COMMAND) == 2
    assert capsys.readouterr().err == (
        "impasto: --engine ray needs Ray; in the folder of Impasto, on all machines, run: pip install '.[cluster]'\n"
    )
    assert not Path("training").exists()


def test_an_address_is_of_a_cluster(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "waves.png", "--address", "127.0.0.1:6379"]) == 2
    assert capsys.readouterr().err == "impasto: --address is for --engine ray; give that, too\n"


def test_where_no_cluster_is_one_line_says_so_at_once(capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("ray")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main([*COMMAND, "--address", address]) == 2
    told = capsys.readouterr().err
    assert (
        told.startswith(f"impasto: --address {address}: no Ray cluster can be used there (") and told.count("\n") == 1
    )
    assert not Path("training/ledger.sqlite").exists()


@pytest.mark.parametrize(
    ("has", "devices", "found"),
    [
        ({"CPU": 2.0, "memory": 8e9}, 1, [(2, 0, 8e9)]),
        ({"CPU": 16.0, "GPU": 4.0, "memory": 64e9}, 1, [(4, 1, 16e9)] * 4),
        ({"CPU": 16.0, "GPU": 4.0, "memory": 64e9}, 2, [(8, 2, 32e9)] * 2),
        ({"CPU": 16.0, "GPU": 3.0, "memory": 64e9}, 2, [(16, 2, 64e9)]),
        ({"CPU": 16.0, "GPU": 1.0, "memory": 64e9}, 2, []),
        ({"CPU": 2.0, "GPU": 8.0, "memory": 8e9}, 1, [(1, 1, 4e9)] * 2),
        ({"GPU": 1.0, "memory": 64e9}, 1, []),
    ],
)
def test_a_machine_has_room_by_its_cards_or_else_for_one_training(has, devices, found):
    pytest.importorskip("ray")
    from train.cluster.places import places_of

    places = places_of({"NodeID": "a", "Resources": has}, Machines(devices=devices))
    assert [(place.cores, place.cards, place.memory) for place in places] == found


def test_the_versions_that_decide_weights_are_told_alike_on_cards_and_without():
    assert train_versions().startswith("impasto 0.1.0, numpy ")
    assert "torch " in train_versions() and "+" not in train_versions()
