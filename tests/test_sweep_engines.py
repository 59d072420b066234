"""What a sweep is done by, as far as it can be told without a cluster."""

import socket
import sys
import tomllib
from pathlib import Path

import pytest
from swept import enter, make_studio

from impasto.main import main
from studio.sweep.cluster import posts_of
from studio.sweep.station import sweep_versions


def test_without_ray_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    enter(make_studio(tmp_path), monkeypatch)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["sweep", "photos", "--engine", "ray"]) == 2
    assert capsys.readouterr().err == (
        "impasto: --engine ray needs Ray; in the folder of Impasto, on all machines, run: pip install '.[cluster]'\n"
    )
    assert not Path("sweep").exists()


def test_what_is_installed_as_a_base_has_no_ray():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert [name for name, needs in extras.items() if any(need.startswith("ray") for need in needs)] == ["cluster"]
    assert not any(need.startswith("ray") for need in project["dependencies"])


def test_an_address_is_of_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    enter(make_studio(tmp_path), monkeypatch)
    assert main(["sweep", "photos", "--address", "127.0.0.1:6379"]) == 2
    assert capsys.readouterr().err == "impasto: --address is for --engine ray; give that, too\n"


def test_where_no_cluster_is_one_line_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    pytest.importorskip("ray")
    enter(make_studio(tmp_path), monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["sweep", "photos", "--styles", "sun", "--engine", "ray", "--address", address]) == 2
    told = capsys.readouterr().err
    assert (
        told.startswith(f"impasto: --address {address}: no Ray cluster can be used there (") and told.count("\n") == 1
    )
    assert main(["sweep", "photos", "--engine", "ray", "--address", "somewhere"]) == 2
    assert "--address must be HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("has", "provider", "limit", "found"),
    [
        ({"CPU": 2.0, "memory": 8e9}, "auto", 0, [(2, 0, 8e9)]),
        ({"CPU": 10.0, "memory": 10e9}, "cpu", 0, [(4, 0, 4e9), (3, 0, 3e9), (3, 0, 3e9)]),
        ({"CPU": 8.0, "memory": 16e9}, "cpu", int(4e9), [(4, 0, 2e9), (4, 0, 2e9)]),
        ({"CPU": 16.0, "GPU": 1.0, "memory": 64e9}, "auto", 0, [(4, 0.25, 16e9)] * 4),
        ({"CPU": 16.0, "GPU": 1.0, "memory": 64e9}, "cpu", 0, [(4, 0, 16e9)] * 4),
        ({"CPU": 4.0, "GPU": 2.0, "memory": 8e9}, "cuda", 0, [(2, 1, 4e9)] * 2),
        ({"CPU": 16.0, "GPU": 3.0, "memory": 64e9}, "auto", 0, [(4, 0.5, 16e9)] * 4),  # 0.75 would fit three times
        ({"CPU": 16.0, "memory": 64e9}, "cuda", 0, []),
        ({"GPU": 1.0, "memory": 64e9}, "auto", 0, []),
    ],
)
def test_a_machine_has_stations_by_its_cores_cards_and_memory(has, provider, limit, found):
    posts = posts_of({"NodeID": "a", "Resources": has}, provider, limit)
    assert [(post.cores, post.gpus, post.memory) for post in posts] == found


def test_the_versions_that_decide_pixels_are_told_alike_on_cards_and_without():
    assert sweep_versions().count("onnxruntime") == 1 and "gpu" not in sweep_versions()
    assert sweep_versions().startswith("impasto 0.1.0, numpy ")
