"""Commands on several machines that learn a night's styles together: the first one owns the night, the others follow.

All of them see the same folder of the run. Of each style, each of them has a child (`train.night.child`), and Lightning
joins these; what the commands tell each other beside that is on a board (`train.crew.board`). When one ends or is lost,
all end, and the style's state is kept for the same command, on however many machines.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from nst_core.errors import ConfigError, NstError
from nst_core.files import sha256
from train.crew.board import EVERY_S, Board, open_store
from train.crew.meeting import FOLDER_S, agree, meet, name_of
from train.crew.nodes import Node
from train.machines import Machines
from train.night.child import JOB, Parted, Turn, follow_child, learn_in_child, prepare
from train.style.job import StyleJob
from train.style.progress import Report

GRACE_S = 10.0
"""For a child to see by itself that the others are gone."""
FAREWELL_S = 10.0
"""For the others to hear of the end."""


class Crew:
    """Made by `open_crew`.

    Args:
        board: what they tell each other on.
        machines: what they learn on, all together.
    """

    def __init__(self, board: Board, machines: Machines) -> None:
        self.node = board.node
        self._board, self._machines = board, machines
        self._turn = 0
        """Number of the style's turn, counted by the first one."""

    @property
    def leads(self) -> bool:
        """Whether this is the first one."""
        return self.node.rank == 0

    def lead(self, job: StyleJob, folder: Path, budget_s: float | None) -> Generator[Report, None, dict[str, Any]]:
        """Learns a style with all the others; see `train.night.child.learn_in_child`.

        Raises:
            Parted: another one ended, or is lost.
        """
        if (folder / "network.safetensors").exists():  # only its style file is to be written
            return (yield from learn_in_child(job, folder, budget_s, self._machines))
        prepare(job, folder)
        self._turn += 1
        port, turn = _free_port(), Turn(budget_s, self._machines)
        self._board.say(
            turn={
                "number": self._turn, "name": job.name, "folder": str(folder.resolve()), "files": _files(folder),
                "port": port, "turn": turn.to_json(),
            }
        )  # fmt: skip
        try:
            parted = _Lasting(lambda: self._trouble() is not None)
            return (yield from follow_child(folder, turn, self._environment(port), parted=parted))
        except Parted:
            raise self._wait_for_trouble() from None
        finally:
            self._board.say(over=self._turn)

    def follow(self) -> Iterator[str]:
        """Takes part in each style, whose name it tells, until the first one ends the night.

        Raises:
            NstError: the first one ended it before its time, or is lost.
        """
        while True:
            word = self._board.word(0)
            if (why := word.get("end")) is not None:
                if why:
                    raise ConfigError(f"{name_of(self._board, 0)} {why}; once that is mended, the same command goes on")
                return
            if self._board.is_lost(0):
                raise ConfigError(f"{name_of(self._board, 0)} is gone; its state is kept, and the same command goes on")
            turn = word.get("turn")
            if turn and turn["number"] > self._turn and not self._is_over(turn["number"]):
                self._turn = turn["number"]
                yield turn["name"]
                self._take_part(turn)
            time.sleep(EVERY_S)

    def agree(self, photos: str) -> None:
        """Makes sure that all learn from the same photos, of this digest; see `train.crew.meeting.agree`."""
        agree(self._board, photos)

    def leave(self, why: str) -> None:
        """Tells the others that this one ends, and why, if it is before its time."""
        if self.leads:
            self._board.say(end=why)
            board = self._board
            board.close(lambda: all("left" in board.word(r) or board.is_lost(r) for r in board.others), FAREWELL_S)
        else:
            self._board.say(left=why)
            self._board.close(lambda: True, FAREWELL_S)

    def _take_part(self, turn: Mapping[str, Any]) -> None:
        """Learns one style with the others, and tells how that ended."""
        number, folder = turn["number"], Path(turn["folder"])
        parted = _Lasting(lambda: self._is_over(number) or self._board.is_lost(0))
        ended = {"number": number, "how": "done", "why": ""}
        try:
            self._wait_for_files(folder, turn["files"], number)
            environment, errors = self._environment(turn["port"]), f"errors-{self.node.rank}.txt"
            for _ in follow_child(folder, Turn.from_json(turn["turn"]), environment, errors, parted):
                pass
        except Parted:
            ended["how"] = "parted"
        except NstError as error:
            ended |= {"how": "failed", "why": str(error)}
        self._board.say(ended=ended)

    def _environment(self, port: int) -> dict[str, str]:
        """Of a child: each style's children meet at a port of their own, which nobody of another style knows."""
        return {
            "MASTER_ADDR": self.node.address, "MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "False",
        }  # fmt: skip

    def _is_over(self, number: int) -> bool:
        word = self._board.word(0)
        return word.get("over", 0) >= number or "end" in word

    def _trouble(self, silent_s: float | None = None) -> Exception | None:
        """Why this turn cannot go on, on another machine; one that was silent for so long is gone."""
        for rank in self._board.others:
            word, name = self._board.word(rank), name_of(self._board, rank)
            ended = word.get("ended", {})
            if ended.get("number") == self._turn and ended["how"] == "failed":
                return NstError(f"{name}: {ended['why']}")
            if "left" in word:
                return Parted(f"{name} {word['left']}")
            if self._board.is_lost(rank, silent_s):
                return Parted(f"{name} is gone")
        return None

    def _wait_for_trouble(self) -> Exception:
        """What parted the children, who notice before the commands do."""
        end = time.monotonic() + GRACE_S
        while (trouble := self._trouble(silent_s=GRACE_S / 2)) is None and time.monotonic() < end:
            time.sleep(EVERY_S)
        return trouble or Parted("the connection between the machines broke")

    def _wait_for_files(self, folder: Path, wanted: Mapping[str, str | None], number: int) -> None:
        """Until this machine sees the job and its state as the first one does.

        Raises:
            Parted: the turn is over.
            ConfigError: it does not come to see them.
        """
        end = time.monotonic() + FOLDER_S
        while _files(folder) != wanted:
            if self._is_over(number) or self._board.is_lost(0):
                raise Parted
            if time.monotonic() > end:
                raise ConfigError(f"what is in {folder} is not what the first machine sees; share the run's folder")
            time.sleep(EVERY_S)


class _Lasting:
    """Whether something is so, and has been for a while."""

    def __init__(self, is_so: Callable[[], bool]) -> None:
        self._is_so = is_so
        self._since: float | None = None

    def __call__(self) -> bool:
        if not self._is_so():
            self._since = None
            return False
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > GRACE_S


@contextlib.contextmanager
def open_crew(
    node: Node, machines: Machines, folder: Path, jobs: Sequence[StyleJob], say: Callable[[str], None]
) -> Iterator[Crew]:
    """Is one of a crew while the block runs, which is told why if the block ends before its time.

    Args:
        node: this one's place.
        machines: what they learn on.
        folder: of the run.
        jobs: what is to be learned.
        say: takes a line for the user.

    Raises:
        ConfigError: the crew does not come together, or it parted.
    """
    board = Board(open_store(node, say), node)
    crew = Crew(board, machines)
    why = "has fallen"
    try:
        with contextlib.ExitStack() as stack:
            token = None
            if crew.leads:
                folder.mkdir(parents=True, exist_ok=True)
                token = Path(stack.enter_context(NamedTemporaryFile(prefix=".impasto-", dir=folder.resolve())).name)
            meet(board, machines, jobs, token, say)
            yield crew
        why = ""
    except KeyboardInterrupt:
        why = "was stopped"
        raise
    except Parted as error:
        why = f"ended the night, as {error}"
        raise ConfigError(f"{error}; what was learned is kept, and the same command goes on") from error
    except NstError as error:
        why = f"ended: {error}"
        raise
    finally:
        crew.leave(why)


def _files(folder: Path) -> dict[str, str | None]:
    """Digests of what a child begins from."""
    found: dict[str, str | None] = {}
    for name in (JOB, "state.ckpt"):
        try:
            found[name] = sha256(folder / name)
        except OSError:
            found[name] = None
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
