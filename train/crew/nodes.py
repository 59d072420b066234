"""Which of several commands this one is that learn together, as torchrun, srun or the user's variables tell."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nst_core.errors import ConfigError
from train.machines import Machines

if TYPE_CHECKING:
    from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment

HOW = (
    "start it on all machines with torchrun or srun, or set MASTER_ADDR, MASTER_PORT and NODE_RANK on each "
    "(see impasto train --help)"
)


@dataclass(frozen=True)
class Node:
    """A place among the commands that learn together: one of each machine, or of each process by torchrun or srun."""

    rank: int
    """The first one, 0, owns the night."""
    count: int
    address: str
    """Of the first one's machine."""
    port: int
    """Where the commands find each other."""
    hosted: bool = False
    """Whether torchrun listens there already."""
    run: str = ""
    """Tells one start by torchrun from others at the same port."""


def find_node(machines: Machines) -> Node | None:
    """This command's place; None where it learns alone, if with several processes of its own.

    Raises:
        ConfigError: it was started together with others, but the options do not say so, or do not fit.
    """
    starter = _starter()
    if machines.processes == 1:
        _check_alone(starter)
        return None
    if starter == "hand" and machines.num_nodes == 1:
        return None
    if starter == "hand":
        _check_variables(machines)
    else:
        _check_count(starter, machines)
    from train.processes import environment_of  # Lightning's, which takes its time

    try:
        environment = environment_of(machines)
        environment.validate_settings(machines.devices, machines.num_nodes)
        return _node(environment, starter, machines)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{' '.join(str(error).split())} (said by Lightning)") from error


def _starter() -> str:
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return "torchrun"
    return "srun" if _number("SLURM_NTASKS", 1) > 1 else "hand"


def _check_alone(starter: str) -> None:
    rank, others = _number("NODE_RANK", _number("GROUP_RANK", 0)), _number("WORLD_SIZE", 1)
    if starter == "torchrun" and others > 1:
        raise ConfigError(f"torchrun started {others} processes; give their numbers with --num-nodes and --devices")
    if starter == "hand" and rank > 0:
        raise ConfigError(
            f"NODE_RANK={rank} is set, so this is one of several machines; give their number: --num-nodes"
        )


def _check_count(starter: str, machines: Machines) -> None:
    started = _number("WORLD_SIZE" if starter == "torchrun" else "SLURM_NTASKS", 1)
    if started != machines.processes:
        raise ConfigError(
            f"{starter} started {started} processes, but --num-nodes {machines.num_nodes} with --devices "
            f"{machines.devices} is {machines.processes}; make them fit"
        )
    if starter == "srun" and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise ConfigError(
            f"srun must be given --ntasks-per-node={machines.devices}, by which Lightning knows the places"
        )


def _check_variables(machines: Machines) -> None:
    rank = "NODE_RANK" if "NODE_RANK" in os.environ else "GROUP_RANK"
    if missing := [name for name in ("MASTER_ADDR", "MASTER_PORT", rank) if not os.environ.get(name)]:
        told = ", ".join("NODE_RANK" if name == "GROUP_RANK" else name for name in missing)
        raise ConfigError(f"--num-nodes {machines.num_nodes}, but {told} is not set; {HOW}")
    if "LOCAL_RANK" in os.environ:
        raise ConfigError("LOCAL_RANK is set, as for one process of several; start it with torchrun, or unset it")
    if not 0 < _number("MASTER_PORT", 0) < 2**16:
        raise ConfigError(f"MASTER_PORT={os.environ['MASTER_PORT']} is no port; take one from 1024 to 65535")
    if _number(rank, 0) not in range(machines.num_nodes):
        raise ConfigError(
            f"{rank}={os.environ[rank]}, but machines are numbered from 0, and --num-nodes is {machines.num_nodes}"
        )
    if _number("WORLD_SIZE", machines.processes) != machines.processes:
        raise ConfigError(
            f"WORLD_SIZE={os.environ['WORLD_SIZE']}, but --num-nodes {machines.num_nodes} with --devices "
            f"{machines.devices} is {machines.processes}; make them fit, or unset it"
        )


def _number(name: str, otherwise: int) -> int:
    """A variable's value.

    Raises:
        ConfigError: it is no number.
    """
    text = os.environ.get(name, "")
    try:
        return int(text) if text else otherwise
    except ValueError:
        raise ConfigError(f"{name}={text} is no number") from None


def _node(environment: ClusterEnvironment, starter: str, machines: Machines) -> Node:
    by_hand = starter == "hand"
    variables = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT")
    return Node(
        rank=environment.node_rank() if by_hand else environment.global_rank(),
        count=machines.num_nodes if by_hand else environment.world_size(),
        address=environment.main_address,
        port=environment.main_port,
        hosted=os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        run="/".join(os.environ.get(name, "") for name in variables),
    )
