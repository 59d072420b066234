"""Learning in the test's own process, which has imported everything already; a child takes seconds to."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from models.registry import load_network
from train.machines import ONE, Machines
from train.night.child import prepare
from train.style.job import StyleJob
from train.style.progress import Report
from train.style.run import learn


def learn_here(
    job: StyleJob, folder: Path, budget_s: float | None = None, machines: Machines = ONE
) -> Generator[Report, None, dict[str, Any]]:
    """As `train.night.child.learn_in_child` does, but that all reports come at the end."""
    prepare(job, folder)
    reports: list[Report] = []
    result = learn(job, folder, budget_s, reports.append, machines=machines)
    yield from reports
    return result


def weights(folder: Path) -> Mapping[str, Any]:
    """Of the finished network in a job's folder."""
    return load_network(folder / "network.safetensors")[1].state_dict()
