"""What a sweep is done by: this machine, or a cluster of them."""

import contextlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from nst_core.errors import ConfigError
from serve.providers import ProviderChoice
from studio.sweep.workers import Workers, local_workers
from studio.sweep.workshop import Workshop, count_cores

Engine = Literal["local", "ray"]
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s/]+):[0-9]{1,5}")


def check_engine(engine: Engine, address: str | None = None) -> None:
    """Finds out whether an engine can be had; see `open_workers`.

    Raises:
        ConfigError: Ray is not installed, or the address is not one of a cluster.
    """
    if address is not None and engine != "ray":
        raise ConfigError("--address is for --engine ray; give that, too")
    if address is not None and not _ADDRESS.fullmatch(address):
        raise ConfigError(f"--address must be HOST:PORT, as ray start tells it, not {address}")
    if engine == "ray" and importlib.util.find_spec("ray") is None:
        raise ConfigError(
            "--engine ray needs Ray; in the folder of Impasto, on all machines, run: pip install '.[cluster]'"
        )


@contextlib.contextmanager
def open_workers(
    engine: Engine,
    folder: Path,
    provider: ProviderChoice,
    memory_limit: int = 0,
    until: datetime | None = None,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Workers]:
    """Workers for a sweep; a cluster is left with the block, and ended if it is our own.

    Args:
        engine: local: this machine; ray: a cluster.
        folder: of the sweep, which is there.
        provider: that computes the networks.
        memory_limit: bytes that may be taken, of each machine; 0 is most of what is free, or all that Ray has to give.
        until: when the last job must have ended.
        address: of the cluster, HOST:PORT; without one, it is started here, on this machine alone.
        say: takes a line for the user.

    Raises:
        ConfigError: There is no such cluster.
    """
    if engine == "local":
        yield local_workers(folder, Workshop(provider, memory_limit), until)
        return
    from studio.sweep.cluster import open_cluster  # what a sweep on one machine does without
    from studio.sweep.station import Duty, versions

    folder = folder.absolute()
    with open_cluster(address, count_cores(), say), NamedTemporaryFile(prefix=".impasto-", dir=folder) as token:
        from studio.sweep.ray_workers import RayWorkers

        duty = Duty(folder, Path(token.name).name, versions(), provider, until, cores=0, memory_limit=memory_limit)
        workers = RayWorkers(duty, say)
        try:
            yield workers
        finally:
            workers.dismiss()
