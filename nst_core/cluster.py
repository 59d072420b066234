"""A Ray cluster: one of our own on this machine, or one that was started on many; and what its machines agree in."""

import contextlib
import importlib.metadata
import importlib.util
import ipaddress
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, Literal

from nst_core.errors import ConfigError, NstError

Engine = Literal["local", "ray"]
"""What does the work: this machine, or a cluster."""
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s/]+):[0-9]{1,5}")
ONE_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Variable of Ray's which, where it is 0, has all ports of its processes on loopback, whatever the system."""
TOKEN = Path.home() / ".ray" / "auth_token"
"""By which the machines of a cluster know each other, where Ray has been told to make one."""
RECONNECT = "RAY_gcs_rpc_server_reconnect_timeout_s"
"""Variable of Ray's: without a head for so long, Ray ends this process, whatever it is at."""
RECONNECT_S = 600
HEAD_S = 3.0
"""For the head of the cluster to answer."""
HEADLESS = 3
"""Looks in a row without a head that end the work."""
STORE_BYTES = 100_000_000
"""For Ray's shared memory, of which we need next to nothing."""


def check_engine(engine: Engine, address: str | None = None) -> None:
    """Finds out whether an engine can be had.

    Args:
        engine: local: this machine; ray: a cluster.
        address: of the cluster; see `open_cluster`.

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
        if any(not _is_loopback(node["NodeManagerAddress"]) for node in Head().nodes() or ()):
            say(
                "impasto: whoever reaches the ports of this Ray cluster can run programs on its machines; "
                "keep them inside a network that you trust"
            )
        yield
    finally:
        ray.shutdown()


def _connect(address: str, quiet: Mapping[str, Any]) -> None:
    os.environ.setdefault(RECONNECT, str(RECONNECT_S))
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


class Head:
    """The head of the cluster, which knows its machines."""

    def __init__(self) -> None:
        self._missed = 0
        self._asked: Future[list[Mapping[str, Any]]] | None = None

    def nodes(self) -> list[Mapping[str, Any]] | None:
        """The machines that are there now, as Ray tells of them; None where the head does not answer for a while.

        Raises:
            NstError: It has not answered several times in a row.
        """
        from ray.exceptions import RayError

        self._asked = self._asked or _ask_for_nodes()
        try:
            found = self._asked.result(HEAD_S)
        except TimeoutError:
            self._missed += 1
        except RayError:
            self._missed, self._asked = self._missed + 1, None
        else:
            self._missed, self._asked = 0, None
            return found
        if self._missed < HEADLESS:
            return None
        raise NstError("the head of the Ray cluster is gone; once there is one, the same command goes on")


def end_actor(actor: Any) -> None:
    """Kills an actor; one that the head has not heard of yet waits for the head, which may be gone, and we do not."""
    import ray
    from ray.exceptions import RayError

    def kill() -> None:
        with contextlib.suppress(RayError):
            ray.kill(actor)

    killing = Thread(target=kill, daemon=True)
    killing.start()
    killing.join(HEAD_S)


def _ask_for_nodes() -> Future[list[Mapping[str, Any]]]:
    """In a thread that nobody has to wait for."""
    import ray

    answer: Future[list[Mapping[str, Any]]] = Future()

    def ask() -> None:
        try:
            answer.set_result([node for node in ray.nodes() if node["Alive"]])
        except Exception as error:  # for who reads the answer
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer


def _knock(address: str) -> None:
    socket.create_connection((_host(address), int(address.rpartition(":")[2])), HEAD_S).close()


def check_machine(tokens: Sequence[Path], packages: Sequence[str], wanted: str) -> str:
    """Finds out whether this machine of a cluster can do what another one asks; gives its name.

    Args:
        tokens: files that the asking one has put into its folders, by which these are known as the same.
        packages: that decide what comes of the work; see `versions`.
        wanted: their versions there.

    Raises:
        ConfigError: The machine does not see a folder, or has other versions.
    """
    host = socket.gethostname()
    for token in tokens:
        if not token.is_file():
            raise ConfigError(
                f"{host} does not see {token.parent}; all machines have to share that folder, under the same path"
            )
    if (found := versions(packages)) != wanted:
        raise ConfigError(f"{host} has {found}, and here is {wanted}; install the same on all machines")
    return host


def versions(packages: Sequence[str]) -> str:
    """Of those packages that are here, as in `impasto 0.1.0, numpy 2.3.1`; alike for cards and for none."""
    found = []
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            version = importlib.metadata.version(package).partition("+")[0]  # torch 2.12.0+cpu
            found.append(f"{package.removesuffix('-gpu')} {version}")
    return ", ".join(dict.fromkeys(found))
