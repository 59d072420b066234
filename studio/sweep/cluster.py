"""A Ray cluster: one of our own on this machine, or one that was started on many; and what it has room for."""

import contextlib
import ipaddress
import logging
import math
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nst_core.errors import ConfigError
from nst_core.ledger import Job
from serve.providers import ProviderChoice
from studio.sweep.station import Duty, Station

ONE_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Variable of Ray's which, where it is 0, has all ports of its processes on loopback, whatever the system."""
CORES_EACH = 4
"""Of a station: more share an engine, fewer fall together."""
TOKEN = Path.home() / ".ray" / "auth_token"
"""By which the machines of a cluster know each other, where Ray has been told to make one."""
HEAD_S = 3.0
"""For the head of the cluster to answer."""
BATCHES = 2
"""That a station has at a time, so that it never waits for the next one."""
STORE_BYTES = 100_000_000
"""For Ray's shared memory, of which we need next to nothing."""


@dataclass(frozen=True)
class Post:
    """Room for a station."""

    node: str
    cores: int
    gpus: float
    """Of a card; a station never has more than one."""
    memory: int
    """Bytes."""


@dataclass(eq=False)
class Batch:
    """Jobs that a station has."""

    jobs: Sequence[Job]
    began: float
    late: bool = False


@dataclass(eq=False)
class Hired:
    """A station, from our side."""

    post: Post
    actor: Any
    report: Any
    """Its call, until it has come."""
    host: str = ""
    alone: bool = False
    """It has a job that another station fell over."""
    batches: dict[Any, Batch] = field(default_factory=dict)
    """By their calls."""

    @property
    def free(self) -> bool:
        """Whether it may have one more batch."""
        return bool(self.host) and not self.alone and not any(batch.late for batch in self.batches.values())


@contextlib.contextmanager
def open_cluster(address: str | None, cores: int, say: Callable[[str], None]) -> Iterator[None]:
    """Is connected to a cluster while the block runs.

    Args:
        address: HOST:PORT of one that was started with `ray start`; without one, it is started here, for this block
            only, and is reached from this machine only.
        cores: of one that is started here.
        say: takes a line for the user.

    Raises:
        ConfigError: No such cluster answers, or it is of another version.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is None or _is_loopback(_host(address)):
        os.environ[ONE_MACHINE] = "0"
    if address and TOKEN.exists():  # `ray start` goes by it, too, and connecting does not by itself
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray  # not before, as it reads these

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        ray.init("local", include_dashboard=False, num_cpus=cores, object_store_memory=STORE_BYTES, **quiet)
    else:
        _connect(address, quiet)
    try:
        if any(not _is_loopback(node["NodeManagerAddress"]) for node in ray.nodes() if node["Alive"]):
            say(
                "impasto: whoever reaches the ports of this Ray cluster can run programs on its machines; "
                "keep them inside a network that you trust"
            )
        yield
    finally:
        ray.shutdown()


def _connect(address: str, quiet: Mapping[str, Any]) -> None:
    import ray

    try:
        _knock(address)  # Ray itself would try for many minutes
        ray.init(address, **quiet)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"--address {address}: no Ray cluster can be used there ({first}); start one with ray start --head, and "
            "run this on one of its machines"
        ) from error


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def head_answers() -> bool:
    """Whether the head of the cluster is there, without which Ray's calls wait for it, and then end the program."""
    import ray

    try:
        _knock(ray.get_runtime_context().gcs_address)
    except OSError:
        return False
    return True


def _knock(address: str) -> None:
    socket.create_connection((_host(address), int(address.rpartition(":")[2])), HEAD_S).close()


def find_posts(provider: ProviderChoice, memory_limit: int) -> list[Post]:
    """Room for stations on all machines of the cluster that are there now.

    Args:
        provider: that computes the networks.
        memory_limit: bytes that may be taken of each machine; 0 is all that Ray has to give there.
    """
    import ray

    return [post for node in ray.nodes() if node["Alive"] for post in posts_of(node, provider, memory_limit)]


def posts_of(node: Mapping[str, Any], provider: ProviderChoice, memory_limit: int) -> list[Post]:
    """Room for stations on a machine, as Ray tells of it."""
    has = node["Resources"]
    cores, cards = int(has.get("CPU", 0)), int(has.get("GPU", 0)) if provider in ("auto", "cuda") else 0
    if not cores or (provider == "cuda" and not cards):
        return []
    count = min(cores, max(math.ceil(cores / CORES_EACH), cards))
    gpus = 1 / math.ceil(count / cards) if cards else 0.0
    memory = int(has.get("memory", 0))
    memory = min(memory, memory_limit) if memory_limit else memory
    shares = [cores // count + (place < cores % count) for place in range(count)]
    return [Post(node["NodeID"], share, gpus, memory * share // cores) for share in shares]


def hire(post: Post, duty: Duty) -> Hired:
    """Puts a station on its post, as an actor of Ray's."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = {"num_cpus": post.cores, "num_gpus": post.gpus, "memory": post.memory}
    there = NodeAffinitySchedulingStrategy(post.node, soft=False)
    calls = BATCHES + 1  # and one for stopping
    actor = ray.remote(Station).options(**asked, scheduling_strategy=there, max_concurrency=calls).remote()
    return Hired(post, actor, actor.report.remote(replace(duty, cores=post.cores, memory_limit=post.memory)))
