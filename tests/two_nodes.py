"""A Ray cluster of two nodes on this machine."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

__all__ = ["PATHS", "Cluster", "processes", "ray", "two_nodes", "wait_for"]

PATHS = {"PYTHONPATH": f"{Path(__file__).parents[1]}{os.pathsep}{Path(__file__).parent}"}
"""For processes that find the program and the tests."""
NODE = {
    "num_cpus": 1, "node_ip_address": "127.0.0.1", "include_dashboard": False, "object_store_memory": 80_000_000,
    "memory": 1_500_000_000,
}  # fmt: skip


@contextmanager
def two_nodes() -> Iterator[Cluster]:
    """Of a core each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS["PYTHONPATH"])
        patch.delenv("OMP_NUM_THREADS", raising=False)  # a node's number of cores decides
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        cluster.add_node(**NODE)
    yield cluster
    ours = psutil.Process().children(recursive=True)
    cluster.shutdown()
    for process in psutil.wait_procs(ours, 1)[1]:  # without its head, some of a cluster lingers
        process.kill()


def processes(name: str) -> list[psutil.Process]:
    """Of those that this one's have started, those of a name."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.cmdline()[0].startswith(name):
                found.append(process)
        except (psutil.Error, IndexError):
            continue
    return found


def wait_for(condition: Callable[[], bool], driver: subprocess.Popen | None = None) -> None:
    """Until it holds, while the driver, which writes to errors.txt, is at work."""
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        assert driver is None or driver.poll() is None, Path("errors.txt").read_text()
        time.sleep(0.01)
