"""Room for a sweep on the machines of a Ray cluster, and the stations that take it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nst_core.jobs import Job
from serve.providers import ProviderChoice
from studio.sweep.station import Duty, Station

CORES_EACH = 4
"""Of a station: more share an engine, fewer fall together."""
BATCHES = 2
"""That a station has at a time, so that it never waits for the next one."""


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


def posts_of(node: Mapping[str, Any], provider: ProviderChoice, memory_limit: int) -> list[Post]:
    """Room for stations on a machine of the cluster.

    Args:
        node: the machine, as Ray tells of it.
        provider: that computes the networks.
        memory_limit: bytes that may be taken of it; 0 is all that Ray has to give there.
    """
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
