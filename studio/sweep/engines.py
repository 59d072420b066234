"""What a sweep is done by: this machine, or a cluster of them."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from nst_core.cluster import Engine, open_cluster
from serve.providers import ProviderChoice
from studio.sweep.workers import Workers, local_workers
from studio.sweep.workshop import Workshop, count_cores


@contextlib.contextmanager
def open_workers(
    engine: Engine,
    folder: Path,
    provider: ProviderChoice,
    memory_limit: int = 0,
    until: datetime | None = None,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    url: str | None = None,
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
        url: of the sweep in a store, where the pictures go then.

    Raises:
        ConfigError: There is no such cluster.
    """
    if engine == "local":
        yield local_workers(folder, Workshop(provider, memory_limit), until, url)
        return
    from studio.sweep.station import Duty, sweep_versions

    folder = folder.absolute()
    with open_cluster(address, count_cores(), say), NamedTemporaryFile(prefix=".impasto-", dir=folder) as token:
        from studio.sweep.ray_workers import RayWorkers  # what a sweep on one machine does without

        duty = Duty(folder, Path(token.name).name, sweep_versions(), provider, until, 0, memory_limit, url)
        workers = RayWorkers(duty, say)
        try:
            yield workers
        finally:
            workers.dismiss()
