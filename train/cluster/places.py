"""Room for trainings on the machines of a Ray cluster, and the easels that take it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nst_core.jobs import Job
from train.cluster.easel import Duty, Easel, Needs
from train.machines import Machines

CALLS = 2
"""Of an easel at a time: one that learns, and one that stops it."""


@dataclass(frozen=True)
class Place:
    """Room for one training."""

    node: str
    cores: int
    cards: int
    memory: int
    """Bytes."""


@dataclass(eq=False)
class Hired:
    """An easel, from our side."""

    place: Place
    job: Job
    actor: Any
    words: Any
    """The stream of what it tells."""
    host: str = ""
    """Its machine, once it is there."""
    begun: bool = False
    """Whether it has done a step."""
    heard: float = field(default_factory=time.monotonic)
    """When it told something last."""
    late: bool = False
    """Whether its silence has been told of."""


def places_of(node: Mapping[str, Any], machines: Machines) -> list[Place]:
    """Room on a machine, as Ray tells of it: for a training on each card, or one on all cores where there is none."""
    has = node["Resources"]
    cores, cards = int(has.get("CPU", 0)), int(has.get("GPU", 0))
    count = min(cores, cards // machines.devices if cards else 1)
    if not count:
        return []
    return [
        Place(node["NodeID"], cores // count, machines.devices if cards else 0, int(has.get("memory", 0)) // count)
    ] * count


def hire(place: Place, job: Job, duty: Duty, needs: Needs, budget_s: float | None) -> Hired:
    """Puts an easel, an actor of Ray's, to a place, and has it learn a job; see `Easel.learn`.

    Ray has it see its cards alone, and sets the threads of what it starts to its cores.
    """
    there = NodeAffinitySchedulingStrategy(place.node, soft=False)
    asked = {"num_cpus": place.cores, "num_gpus": place.cards, "memory": place.memory}
    actor = ray.remote(Easel).options(**asked, scheduling_strategy=there, max_concurrency=CALLS).remote()
    words = actor.learn.options(num_returns="streaming").remote(duty, needs, job.name, job.spec, budget_s)
    return Hired(place, job, actor, words)
