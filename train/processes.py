"""Several processes that learn one network, as Lightning joins them."""

from __future__ import annotations

import os
from datetime import timedelta

from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy, Strategy
from torch import distributed

from train.machines import Machines

TIMEOUT = timedelta(minutes=5)
"""For what all do together: beside a step, that is a slow machine's start, and a look at the pictures."""


def strategy_of(machines: Machines) -> Strategy | str:
    """For Lightning's trainer; where one process waits for others, not for Lightning's half an hour."""
    return machines.strategy if machines.processes == 1 else DDPStrategy(timeout=TIMEOUT)


def environment_of(machines: Machines) -> ClusterEnvironment:
    """Who started the processes, and gave each its place.

    SLURM's requeue is left to SLURM: Lightning's would write a checkpoint of its own, which the next style of a night
    would take for its.
    """
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if machines.processes > 1 and int(os.environ.get("SLURM_NTASKS", 1)) > 1 and SLURMEnvironment.detect():
        return SLURMEnvironment(auto_requeue=False)
    return LightningEnvironment()


def is_of_the_others(error: RuntimeError) -> bool:
    """Whether the connection to other processes broke, or one of them was waited for in vain."""
    return isinstance(error, distributed.DistError) or "gloo" in str(error)
