"""Machines that are to learn together: what they have to agree in, and who is gone."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch.distributed import HashStore, PrefixStore  # pyright: ignore[reportPrivateImportUsage]
from waiting import free_port, wait

from nst_core.errors import ConfigError
from train.crew import board, crew, meeting
from train.crew.board import Board
from train.crew.crew import open_crew
from train.crew.nodes import Node
from train.machines import Machines
from train.style.job import StyleJob, describe
from train.style.options import StyleOptions

TWO = Machines(num_nodes=2)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in (
        (board, "EVERY_S", 0.02), (meeting, "EVERY_S", 0.02), (crew, "EVERY_S", 0.02), (board, "LOST_S", 1.5),
        (meeting, "FOLDER_S", 0.3), (meeting, "JOIN_S", 1.0), (crew, "FAREWELL_S", 1.0),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def job(tmp_path: Path) -> StyleJob:
    Image.new("RGB", (64, 64)).save(tmp_path / "owl.png")
    painting = describe(tmp_path / "owl.png", {})
    return StyleJob("owl", "Owl", (painting,), StyleOptions(), None, None, None, tmp_path / "owl.onnx")


class Meeting:
    """Two commands in two threads; tells what each of them ended with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path]) -> None:
        store = HashStore()
        monkeypatch.setattr(crew, "open_store", lambda node, say: PrefixStore("impasto", store))
        self.folders = folders
        self.errors: list[BaseException | None] = [None, None]

    def hold(
        self, jobs: tuple[StyleJob, StyleJob], *work: Callable[[Any], None], machines: Any = (TWO, TWO)
    ) -> list[str]:
        def be(rank: int) -> None:
            try:
                node = Node(rank, 2, "", 0)
                with open_crew(node, machines[rank], self.folders[rank], [jobs[rank]], lambda text: None) as mine:
                    work[rank](mine)
            except BaseException as error:
                self.errors[rank] = error

        threads = [threading.Thread(target=be, args=[rank]) for rank in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        return [str(error) if error else "" for error in self.errors]


def nothing(crew: Any) -> None:
    pass


def follow(crew: Any, photos: str) -> None:
    crew.agree(photos)
    for _ in crew.follow():
        pass


@pytest.fixture
def two(impatient: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Meeting:
    return Meeting(monkeypatch, (tmp_path / "run", tmp_path / "run"))


def test_those_of_one_mind_meet_and_end_together(two: Meeting, job: StyleJob) -> None:
    assert two.hold((job, job), lambda mine: mine.agree("a"), lambda mine: follow(mine, "a")) == ["", ""]


def test_other_options_are_named_on_both_sides(two: Meeting, job: StyleJob) -> None:
    other = replace(job, options=StyleOptions(steps=7), output=Path("elsewhere.onnx"))
    first, second = two.hold((job, other), nothing, nothing)
    assert "(rank 1) was given other options; give the same command on all machines" in first
    assert "(rank 0) was given other options; give the same command on all machines" in second


def test_another_number_of_machines_is_told(two: Meeting, job: StyleJob) -> None:
    errors = two.hold((job, job), nothing, nothing, machines=(TWO, Machines(devices=3, num_nodes=2)))
    assert all("was given another --num-nodes or --devices" in error for error in errors)


def test_other_versions_are_told(two: Meeting, job: StyleJob, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = iter(["torch 2.7.1", "torch 2.6.0"])
    monkeypatch.setattr(meeting, "train_versions", lambda: next(versions))
    errors = two.hold((job, job), nothing, nothing)
    assert all("torch 2.7.1" in error and "torch 2.6.0" in error for error in errors)


def test_a_folder_that_is_not_shared_is_told(two: Meeting, job: StyleJob, monkeypatch: pytest.MonkeyPatch) -> None:
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: not path.name.startswith(".impasto-") and is_file(path))
    first, second = two.hold((job, job), nothing, nothing)
    assert "all machines have to share that folder" in first and "all machines have to share that folder" in second


def test_other_photos_are_told(two: Meeting, job: StyleJob) -> None:
    first, second = two.hold((job, job), lambda mine: mine.agree("a"), lambda mine: follow(mine, "b"))
    assert "(rank 1) has other photos" in first and "other photos" in second


def test_who_does_not_come_is_not_waited_for_without_end(two: Meeting, job: StyleJob) -> None:
    with (
        pytest.raises(ConfigError, match="1 of 2 commands did not come"),
        open_crew(Node(0, 2, "", 0), TWO, two.folders[0], [job], lambda text: None),
    ):
        pass


def test_a_machine_that_falls_silent_counts_as_gone(impatient: None) -> None:
    store = PrefixStore("impasto", HashStore())
    first, second = Board(store, Node(0, 2, "", 0)), Board(store, Node(1, 2, "", 0))
    second.say(hello="here")
    wait(lambda: first.word(1).get("hello") == "here")
    assert not first.is_lost(1)
    second.close(lambda: True, 1)
    wait(lambda: first.is_lost(1))
    first.close(lambda: True, 1)


def test_a_place_is_taken_once() -> None:
    node = Node(0, 2, "127.0.0.1", free_port())
    first = board.open_store(node, lambda text: None)  # noqa: F841 - it serves
    assert board.open_store(replace(node, rank=1), lambda text: None)
    with pytest.raises(ConfigError, match="has rank 1 already; give each machine a NODE_RANK of its own"):
        board.open_store(replace(node, rank=1), lambda text: None)
    with pytest.raises(ConfigError, match="cannot listen"):
        board.open_store(node, lambda text: None)
