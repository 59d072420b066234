"""What a night is worked on by: this machine, or a cluster of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from nst_core.cluster import Engine, open_cluster
from nst_core.copies import origin
from nst_core.errors import ConfigError
from nst_core.files import remove_abandoned
from train.cluster.easel import Duty, train_versions
from train.machines import Machines
from train.night.child import learn_in_child
from train.night.learners import LearnStyle, local_learners
from train.night.queue import Learners


@contextlib.contextmanager
def open_learners(
    engine: Engine,
    folder: Path,
    styles: Path,
    machines: Machines,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    learn_style: LearnStyle | None = None,
) -> Iterator[Learners]:
    """Learners for a night; a cluster is left with the block, and ended if it is our own.

    Args:
        engine: local: this machine, one style after another; ray: a cluster, as many at a time as it has room for.
        folder: of the run, which is there.
        styles: where they go; it is made.
        machines: what each style is learned on.
        address: of the cluster, HOST:PORT; without one, it is started here, on this machine alone.
        say: takes a line for the user.
        learn_style: how local ones learn, where that is not by this machine alone.

    Raises:
        ConfigError: There is no such cluster, or none of its machines can be used.
    """
    for at in (styles, folder, *folder.glob("*/")):  # what a night that was killed has left, of finished styles too
        remove_abandoned(at)
    if engine == "local":
        alone: LearnStyle = lambda job, at, budget_s: learn_in_child(job, at, budget_s, machines)  # noqa: E731
        yield local_learners(folder, learn_style or alone)
        return
    if machines.num_nodes > 1:
        raise ConfigError("--num-nodes is for one training on several machines; with --engine ray each has its own")
    folder = folder.absolute()
    url = origin(styles)  # what is a copy goes to its store from any machine
    shared = [folder] if url else [folder, styles]
    styles.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(open_cluster(address, os.cpu_count() or 1, say))
        tokens = [stack.enter_context(NamedTemporaryFile(prefix=".impasto-", dir=at)) for at in shared]
        from train.cluster.learners import RayLearners  # what a night on one machine does without

        names = tuple(Path(token.name) for token in tokens)
        learners = RayLearners(Duty(folder, names, train_versions(), machines, (styles, url) if url else None), say)
        stack.callback(learners.dismiss)
        yield learners
