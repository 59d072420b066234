"""One style from paintings to its file: resumable after a kill, checked on the way, measured at the end."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from models.registry import build, save_network
from nst_core import features
from nst_core.errors import ConfigError, ImageError, ModelError
from nst_core.objective import Weights
from nst_core.picture import fit_long_side, read_picture
from nst_core.tensor import to_tensor
from train.machines import ONE, Machines
from train.photos.crops import CropsModule
from train.photos.pack import open_pack
from train.processes import environment_of, strategy_of
from train.running import CHECKPOINT_EVERY, AtomicCheckpointIO, checkpoints, device, fit, precision
from train.style.batch_size import fitting_batch_size
from train.style.callbacks import Clock, Curve, Watch
from train.style.card import export_finished, make_card
from train.style.job import Painting, StyleJob
from train.style.module import Diverged, Pace, StyleModule
from train.style.objective import StyleObjective
from train.style.options import SMALLEST_PAINTING_PX
from train.style.previews import Previews
from train.style.progress import Report
from train.style.warm_start import begin_from

TRIES = 4
"""A training that comes apart is taken up again, with half the learning rate each time, so often in all."""
Tell = Callable[[Report], None]


def learn(
    job: StyleJob,
    folder: Path,
    budget_s: float | None = None,
    tell: Tell | None = None,
    stop: Callable[[], bool] | None = None,
    machines: Machines = ONE,
) -> dict[str, Any]:
    """Train a network and write its style file; goes on where a killed run of the same job stopped.

    Args:
        job: what to learn.
        folder: the job's own: state, curve, preview, logs, and at the end the network to begin from or export again.
        budget_s: time that it may take from now on; None for the steps of the job's options.
        tell: told about each step.
        stop: asked at each step whether to keep the state and stop.
        machines: what it is learned on, which may be other than before.

    Returns:
        `style_path`, `steps`, `seconds` and `figures`, as plain JSON; in all but the first of several processes,
        nothing.

    Raises:
        NstError: something to mend: in the job, its files, or the memory.
        ModelError: the training came apart, or came to nothing.
        Stopped: `stop` said so, here or in another process.
    """
    finished = folder / "network.safetensors"
    if not finished.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if not _Training(job, folder, machines).finish(finished, budget_s, tell, stop):
            return {}
    return export_finished(finished, job.output)


class _Training:
    """What a network is trained with.

    Args:
        job: what to learn.
        folder: where its state is kept.
        machines: what it is learned on.
    """

    def __init__(self, job: StyleJob, folder: Path, machines: Machines) -> None:
        self.job, self.folder, self.machines = job, folder, machines
        self.state = folder / "state.ckpt"
        self.where = _device()
        options = job.options
        self.pictures = [_read_painting(painting, options.size * options.brush_size) for painting in job.paintings]
        self.pack = open_pack(job.photos)
        if self.where.type == "cuda" and machines.memory_limit:
            share = machines.memory_limit / torch.cuda.get_device_properties(self.where).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, share), self.where)
        loss_network = features.load_network(options.loss_network, self.where)
        layers = dict(zip(loss_network.layers, options.layer_weights, strict=True))
        weights = Weights(
            options.content_weight, options.tv_weight, {name: options.strength * w for name, w in layers.items()}
        )
        self.tensors = [picture.to(self.where) for picture in self.pictures]
        self.objective = StyleObjective(loss_network, self.tensors, weights)
        batch = options.batch_size or fitting_batch_size(options, loss_network, self.where, machines.memory_limit)
        self.data = CropsModule(self.pack, options.crop_px, batch, options.seed, working_px=options.size)

    def finish(
        self, finished: Path, budget_s: float | None, tell: Tell | None, stop: Callable[[], bool] | None
    ) -> bool:
        """Leaves the finished network; tells whether this is the process that did."""
        torch.manual_seed(self.job.options.seed)
        pace = Pace(None if budget_s else self.job.options.steps)
        module = self._module(pace)
        watch = Watch(Previews(self.where), self.tensors[0], self.folder / "preview.png")
        for attempt in range(TRIES):
            trained_s = _trained_s(self.state, module)
            pace.budget_s = trained_s + budget_s if budget_s else None
            callbacks = [Curve(self.folder / "metrics.csv"), Clock(tell, stop, self.state), watch]
            try:
                fit(self._trainer(callbacks), module, self.data, self.state if self.state.exists() else None)
                break
            except Diverged as error:
                if attempt + 1 == TRIES:
                    raise ModelError(f"{error}, {TRIES} times; try less --learning-rate or --strength") from error
                pace.rate_factor /= 2
                if not self.state.exists():
                    module = self._module(pace)
        if module.global_rank != 0:
            return False
        card = make_card(self.job, module, self.pack, self.pictures)
        about = {"style": json.loads(card.to_json()), "painting_sha256": [p.sha256 for p in self.job.paintings]}
        save_network(module.network, self.job.options.network, finished, about)
        self.state.unlink(missing_ok=True)
        return True

    def _module(self, pace: Pace) -> StyleModule:
        """A network to train; if it is only to receive a state, without looking for the best rows."""
        job = self.job
        if job.base is None or self.state.exists():
            network = build(job.options.network, None, len(job.paintings))
            network = network.to(self.where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        else:
            photos = self.data.sample().to(self.where).float() / 255
            hashes = [painting.sha256 for painting in job.paintings]
            network = begin_from(job.base, job.options.network, hashes, self.objective, photos)
        return StyleModule(job.options, network, self.objective, pace)

    def _trainer(self, callbacks: Sequence[pl.Callback]) -> pl.Trainer:
        logs = TensorBoardLogger(self.folder, "", "tensorboard") if importlib.util.find_spec("tensorboard") else None
        return pl.Trainer(
            max_steps=-1,  # the clock ends it
            max_epochs=-1,
            accelerator="gpu" if device() == "cuda" else "cpu",
            devices=self.machines.devices,
            num_nodes=self.machines.num_nodes,
            strategy=strategy_of(self.machines),
            precision=precision(),
            callbacks=[*callbacks, checkpoints(self.state, CHECKPOINT_EVERY)],
            plugins=[AtomicCheckpointIO(), environment_of(self.machines)],
            default_root_dir=self.folder,
            logger=logs or False,
            log_every_n_steps=10,
            enable_progress_bar=False,
            enable_model_summary=False,
        )


def _device() -> torch.device:
    """This process's own."""
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if device() == "cuda" else torch.device("cpu")


def _trained_s(state: Path, module: StyleModule) -> float:
    """Time that went into a state, 0 where there is none.

    Raises:
        ConfigError: the state is broken, or of another version.
    """
    if not state.exists():
        return 0.0
    try:
        found = torch.load(state, map_location="cpu", weights_only=True)
        shapes = {name: tensor.shape for name, tensor in found["state_dict"].items()}
        if shapes != {name: tensor.shape for name, tensor in module.state_dict().items()}:
            raise ValueError("its network is another")
        return float(found["style"]["seconds"])
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"{state} cannot be gone on from, it is broken or of another version; "
            f"move {state.parent} away and run the same command again"
        ) from error


def _read_painting(painting: Painting, long_side_px: float) -> Tensor:
    """(1, 3, H, W) in [0, 1], as large as its strokes are to be learned in, but never larger than it is.

    Raises:
        ImageError: it cannot be read, or is too small.
    """
    picture = read_picture(painting.path)
    wanted = min(round(long_side_px), max(picture.width, picture.height))
    width, height = fit_long_side(picture.width, picture.height, wanted)
    if min(width, height) < SMALLEST_PAINTING_PX:
        raise ImageError(
            f"{painting.path}: {width}x{height} px are too few to learn from; "
            f"each side needs {SMALLEST_PAINTING_PX}, so take a larger picture, --size or --brush-size"
        )
    return to_tensor(picture.resized(width, height))
