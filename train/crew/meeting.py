"""How commands that learn together find out that they are of one mind, before anything is learned."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_core.cluster import check_machine
from nst_core.errors import ConfigError
from train.cluster.easel import COMPARED, train_versions
from train.crew.board import EVERY_S, JOIN_S, Board
from train.machines import Machines
from train.style.job import StyleJob

FOLDER_S = 90.0
"""For what one machine wrote to be seen by another, as far as a shared folder may lag behind."""
TELL_AFTER_S = 2.0
"""Of waiting for others, after which that is said."""


def meet(
    board: Board, machines: Machines, jobs: Sequence[StyleJob], token: Path | None, say: Callable[[str], None]
) -> None:
    """Waits until all are there, and makes sure that they are to do the same.

    Args:
        board: what they tell each other on.
        machines: what they learn on, all together.
        jobs: what is to be learned.
        token: a file in the run's folder, of the first one.
        say: takes a line for the user.

    Raises:
        ConfigError: not all came, or one has other versions, other options or another folder.
    """
    hello = {"host": socket.gethostname(), "versions": train_versions(), "processes": machines.processes}
    hello |= {"jobs": _digests(jobs), "token": str(token)}
    board.say(hello=hello)
    _wait_for_all(board, say)
    for rank in board.others:
        _compare(name_of(board, rank), board.word(rank)["hello"], hello)
    if board.node.rank == 0:
        _wait_for(board, "sees")
    else:
        theirs = board.word(0)["hello"]
        _check_folder(board, Path(theirs["token"]), theirs["versions"])
        board.say(sees=True)


def agree(board: Board, photos: str) -> None:
    """Makes sure that all learn from the same photos; to make them ready may take long.

    Args:
        board: what they tell each other on.
        photos: digest of this one's.

    Raises:
        ConfigError: one has others.
    """
    board.say(photos=photos)
    if board.node.rank == 0:
        _wait_for(board, "photos")
        for rank in board.others:
            if board.word(rank)["photos"] != photos:
                raise ConfigError(f"{name_of(board, rank)} has other photos in --photos; give the same on all machines")


def name_of(board: Board, rank: int) -> str:
    """Of another command, for the user: its machine, as far as it is known."""
    host = board.word(rank).get("hello", {}).get("host", "the machine")
    return f"{host} (rank {rank})"


def _wait_for_all(board: Board, say: Callable[[str], None]) -> None:
    began, told = time.monotonic(), False
    while absent := [rank for rank in board.others if "hello" not in board.word(rank)]:
        waited_s = time.monotonic() - began
        if waited_s > JOIN_S:
            raise ConfigError(f"{len(absent)} of {board.node.count} commands did not come; start the same on each")
        if not told and waited_s > TELL_AFTER_S:
            say(f"waiting for {len(absent)} of {board.node.count} commands to be started")
            told = True
        time.sleep(EVERY_S)


def _wait_for(board: Board, fact: str) -> None:
    """Until all others have said something.

    Raises:
        ConfigError: one has left, or is lost.
    """
    while absent := [rank for rank in board.others if fact not in board.word(rank)]:
        for rank in absent:
            if board.is_lost(rank) or "left" in board.word(rank):
                raise ConfigError(f"{name_of(board, rank)} {board.word(rank).get('left', 'is gone')}")
        time.sleep(EVERY_S)


def _compare(name: str, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    if theirs["versions"] != mine["versions"]:
        raise ConfigError(
            f"{name} has {theirs['versions']}, and here is {mine['versions']}; install the same on all machines"
        )
    if theirs["processes"] != mine["processes"]:
        raise ConfigError(f"{name} was given another --num-nodes or --devices; give the same on all machines")
    other = sorted(key for key, digest in mine["jobs"].items() if theirs["jobs"].get(key) != digest)
    if other:
        raise ConfigError(f"{name} was given other {', '.join(other)}; give the same command on all machines")


def _check_folder(board: Board, token: Path, versions: str) -> None:
    end = time.monotonic() + FOLDER_S
    while not token.is_file() and time.monotonic() < end and not board.is_lost(0):
        time.sleep(EVERY_S)
    check_machine([token], COMPARED, versions)


def _digests(jobs: Sequence[StyleJob]) -> dict[str, str]:
    """Of what is to be learned, by what it is; where it is written matters to the first one only."""
    specs = [job.to_spec() for job in jobs]
    keys = [key for key in specs[0] if key != "output"]
    return {key: hashlib.sha256(json.dumps([spec[key] for spec in specs]).encode()).hexdigest()[:16] for key in keys}
