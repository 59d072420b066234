"""The head of a Ray cluster that falls silent: nothing waits for it for long."""

import threading
import time
from collections.abc import Iterator

import pytest
from ray.exceptions import RaySystemError
from two_nodes import ray

from nst_core import cluster
from nst_core.cluster import Head, end_actor
from nst_core.errors import NstError

MACHINES = [{"NodeID": "a", "Alive": True}, {"NodeID": "b", "Alive": False}]

asked: list[int] = []
"""Of each question to the head, one."""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Once it is set, the head answers."""
    event = threading.Event()
    asked.clear()

    def nodes() -> list[dict[str, object]]:
        asked.append(1)
        event.wait()
        return MACHINES

    monkeypatch.setattr(cluster, "HEAD_S", 0.05)
    monkeypatch.setattr(ray, "nodes", nodes)
    yield event
    event.set()


def test_tells_of_the_machines_that_are_alive(answers: threading.Event):
    answers.set()
    assert Head().nodes() == MACHINES[:1]


def test_a_head_that_never_answers_ends_the_work_without_waiting_for_it(answers: threading.Event):
    head, began = Head(), time.monotonic()
    assert [head.nodes(), head.nodes()] == [None, None]
    with pytest.raises(NstError, match="the head of the Ray cluster is gone"):
        head.nodes()
    assert time.monotonic() - began < 30


def test_a_head_that_answers_late_is_asked_once_and_forgiven(answers: threading.Event):
    head = Head()
    assert [head.nodes(), head.nodes()] == [None, None]
    assert len(asked) == 1
    answers.set()
    assert head.nodes() == MACHINES[:1]
    assert [head.nodes(), head.nodes(), head.nodes()] == [MACHINES[:1]] * 3


def test_errors_of_the_head_count_as_silence(answers: threading.Event, monkeypatch: pytest.MonkeyPatch):
    def nodes() -> None:
        raise RaySystemError("no answer")

    monkeypatch.setattr(ray, "nodes", nodes)
    head = Head()
    assert [head.nodes(), head.nodes()] == [None, None]
    with pytest.raises(NstError, match="the head of the Ray cluster is gone"):
        head.nodes()


def test_ending_an_actor_does_not_wait_for_a_head_that_is_gone(monkeypatch: pytest.MonkeyPatch):
    gone, killed = threading.Event(), list[object]()

    def kill(actor: object) -> None:  # as Ray does with an actor that the head has not heard of yet
        gone.wait()
        killed.append(actor)

    monkeypatch.setattr(cluster, "HEAD_S", 0.05)
    monkeypatch.setattr(ray, "kill", kill)
    end_actor("easel")
    assert not killed
    gone.set()
    monkeypatch.setattr(cluster, "HEAD_S", 30.0)
    end_actor("station")
    assert "station" in killed
