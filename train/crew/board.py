"""What commands on several machines tell each other: each has its word, which others read, in torch's key-value store.

A word is a small document; it is written anew twice a second, so that silence tells that a command, its machine or the
network is gone.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nst_core.errors import ConfigError
from train.crew.nodes import Node

if TYPE_CHECKING:
    from torch._C._distributed_c10d import PrefixStore

EVERY_S = 0.5
"""Between two times that words are written and read."""
LOST_S = 30.0
"""Of silence, after which a command counts as gone."""
JOIN_S = 600.0
"""For all to have been started."""
ANSWER_S = 20.0
"""For the store to answer."""


class Board:
    """Words of all commands; the first one reads all, the others the first one's.

    Args:
        store: that all of them reach.
        node: which one this is.
    """

    def __init__(self, store: PrefixStore, node: Node) -> None:
        self.node = node
        self._store = store
        self._word: dict[str, Any] = {}
        self._words: dict[int, Mapping[str, Any]] = {}
        self._heard = dict.fromkeys(self.others, time.monotonic())
        self._texts: dict[int, str] = {}
        self._beats = 0
        self._writing, self._closed, self._broken = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def others(self) -> list[int]:
        """Ranks of those whose words are read."""
        return list(range(1, self.node.count)) if self.node.rank == 0 else [0]

    def say(self, **facts: Any) -> None:
        """Adds to this command's word, or changes it: plain JSON."""
        with self._writing:
            self._word |= facts

    def word(self, rank: int) -> Mapping[str, Any]:
        """The last known of another one; empty before its first."""
        return self._words.get(rank, {})

    def is_lost(self, rank: int, silent_s: float | None = None) -> bool:
        """Whether nothing more is heard of another one, for so long (`LOST_S`)."""
        return self._broken.is_set() or time.monotonic() - self._heard[rank] > (silent_s or LOST_S)

    def close(self, until: Callable[[], bool], patience_s: float) -> None:
        """Says no more, once all that was said is there for the others to read and something is so, or it is late."""
        end = time.monotonic() + patience_s
        written = self._beats + 1
        while not self._broken.is_set() and time.monotonic() < end and not (self._beats > written and until()):
            time.sleep(EVERY_S / 5)
        self._closed.set()
        self._thread.join(ANSWER_S)

    def _work(self) -> None:
        try:
            while not self._closed.wait(EVERY_S):
                self._exchange()
        except RuntimeError:  # whoever has the store is gone
            self._broken.set()

    def _exchange(self) -> None:
        with self._writing:
            text = json.dumps(self._word | {"beats": self._beats})
        self._store.set(_key(self.node.rank), text)
        self._beats += 1
        for rank in self.others:
            if not self._store.check([_key(rank)]):  # pyright: ignore[reportAttributeAccessIssue]
                continue
            text = self._store.get(_key(rank)).decode()
            if text != self._texts.get(rank):
                self._texts[rank], self._words[rank] = text, json.loads(text)
                self._heard[rank] = time.monotonic()


def open_store(node: Node, say: Callable[[str], None]) -> PrefixStore:
    """The store, which the first command has unless torchrun does; the others wait for it.

    Args:
        node: which command this is.
        say: takes a line for the user.

    Raises:
        ConfigError: it cannot be reached, or not be made; or another command has this one's place.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # who ends first is no reason for torch to warn
    from torch.distributed import PrefixStore, TCPStore  # pyright: ignore[reportPrivateImportUsage]

    serves = node.rank == 0 and not node.hosted
    if not serves:
        _wait_for(node, say)
    try:
        store = TCPStore(
            node.address, node.port, is_master=serves, timeout=timedelta(seconds=ANSWER_S), wait_for_workers=False
        )
    except RuntimeError as error:
        raise ConfigError(_unreached(node, str(error).partition("\n")[0])) from error
    own = PrefixStore(f"impasto/{node.run}", store)
    mine = f"{socket.gethostname()} {time.time_ns()}"
    if (taken := own.compare_set(f"place/{node.rank}", "", mine).decode()) != mine:
        raise ConfigError(f"{taken.split()[0]} has rank {node.rank} already; give each machine a NODE_RANK of its own")
    return own


def _wait_for(node: Node, say: Callable[[str], None]) -> None:
    """Until somebody listens: torch itself would not let Ctrl-C through."""
    end, told = time.monotonic() + JOIN_S, False
    while True:
        try:
            socket.create_connection((node.address, node.port), 5).close()
            return
        except OSError as error:
            if time.monotonic() > end or isinstance(error, socket.gaierror):
                raise ConfigError(_unreached(node, error.strerror or str(error))) from error
        if not told:
            say(f"waiting for the first machine at {node.address}:{node.port}")
            told = True
        time.sleep(1)


def _unreached(node: Node, why: str) -> str:
    do = "listen" if node.rank == 0 and not node.hosted else "be reached"
    return f"{node.address}:{node.port} cannot {do} ({why}); see MASTER_ADDR, MASTER_PORT, and the network"


def _key(rank: int) -> str:
    return f"word/{rank}"
