"""One run of distillation: resumable after a kill, measured at its end, written with its card."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch.utils.data import DataLoader

from nst_core.compact import CompactNetwork, CompactOptions, load_compact, save_compact
from nst_core.errors import ConfigError
from nst_core.files import sha256, write_bytes
from nst_core.hardware import hardware
from nst_core.picture import find_pictures
from nst_core.provenance import provenance
from train.distill.evaluate import measure_gram_errors
from train.distill.heads import fit_style_heads, ticks
from train.distill.module import Distillation, DistillOptions, Teacher, bring
from train.distill.pictures import WholePictures
from train.photos.crops import PhotoCrops
from train.photos.pack import LONG_SIDE_PX, open_pack
from train.running import CHECKPOINT_EVERY, AtomicCheckpointIO, checkpoints, device, fit, precision

Progress = Callable[[int, int, Mapping[str, float]], None]
"""Called with the steps done, the steps in all, of which the last fit heads, and the last batch's figures by name."""


def checkpoint_path(output: Path) -> Path:
    """Where the state of an unfinished run that is to become `output` lies."""
    return output.with_suffix(".ckpt")


def distill(
    options: DistillOptions,
    photos: Path,
    teacher: Teacher,
    output: Path,
    *,
    paintings: Path | None = None,
    start: Path | None = None,
    evaluation: Sequence[Path] = (),
    shape: CompactOptions | None = None,
    resume: bool = False,
    checkpoint_every: timedelta = CHECKPOINT_EVERY,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train a compact loss network and write it to `output`, with its card beside it (`.json`).

    Args:
        options: how to train.
        photos: folder of photos to train on.
        teacher: what to imitate.
        paintings: folder of paintings, of which a quarter of the crops are taken.
        start: a compact network to begin from instead of random weights; its shape counts.
        output: file to write, `.safetensors`; until then the run's state lies beside it, `.ckpt`.
        evaluation: pictures to measure the finished network on, which it was not trained on.
        shape: of the network, unless it is the usual one.
        resume: go on from the state of a run with the same options, photos and teacher.
        checkpoint_every: how often that state is written.
        progress: told about each step.

    Returns:
        The card.

    Raises:
        ConfigError: there are no photos, nothing to start from or to resume, or something unfinished in the way.
        ModelError: the training came apart.
    """
    if not options.steps and not start:
        raise ConfigError("with --steps 0 only heads are fitted; name the network that they are for with --start FILE")
    begun = load_compact(start) if start else None
    shape = begun.options if begun else shape or CompactOptions()
    origin = _origin(options, photos, teacher, shape)
    origin["paintings"] = [{"name": path.name, "sha256": sha256(path)} for path in _pictures(paintings)]
    origin["start"] = {"name": start.name, "sha256": sha256(start)} if start else None
    state = checkpoint_path(output)
    done = _steps_done(state, origin) if resume else _begin_anew(state)
    torch.manual_seed(options.seed)
    student = CompactNetwork(shape)
    if begun:
        student.load_state_dict(begun.state_dict())
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    long_side_px = max(LONG_SIDE_PX, options.crop_px * 5 // 2)  # so that hardly any crop is enlarged
    photo_pack = open_pack(photos, long_side_px=long_side_px)
    painting_pack = open_pack(paintings, long_side_px=long_side_px) if paintings else None
    pictures = WholePictures(student, photo_pack, painting_pack, options.seed)
    record = Record(origin, progress, ticks(len(pictures)))
    trainer = pl.Trainer(
        max_steps=options.steps,
        accelerator=device(),
        devices=1,
        precision=precision(),
        callbacks=[record, checkpoints(state, checkpoint_every)],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    crops = PhotoCrops(photo_pack, options.crop_px, options.seed, done * options.batch, paintings=painting_pack)
    if options.steps:
        batches = DataLoader(crops, options.batch)
        fit(trainer, Distillation(options, student, teacher), batches, state if resume else None)
    student.eval().to(device())
    bring(teacher, device())
    record.follow(fit_style_heads(student, teacher, pictures), options.steps)
    card = _finish(student, teacher, output, evaluation, record)
    state.unlink(missing_ok=True)
    return card


def _pictures(folder: Path | None) -> list[Path]:
    return find_pictures([folder]) if folder else []


class Record(Callback):
    """What a run was begun with and how long it has taken, kept in its checkpoints; and its progress.

    Args:
        origin: what the run was begun with.
        progress: told about each step.
        heads: ticks of fitting heads, which count as further steps.
    """

    def __init__(self, origin: Mapping[str, Any], progress: Progress | None, heads: int) -> None:
        self.origin, self.progress, self.heads = origin, progress, heads
        self.seconds = self._began = 0.0

    @property
    def state_key(self) -> str:
        return "record"

    def state_dict(self) -> dict[str, Any]:
        return {"origin": dict(self.origin), "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = state_dict["seconds"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = time.perf_counter() - self.seconds

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        self.seconds = time.perf_counter() - self._began
        if self.progress is not None:
            figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
            self.progress(trainer.global_step, trainer.max_steps + self.heads, figures)

    def follow(self, fitting: Iterable[None], steps: int) -> None:
        """Has heads fitted, after so many steps of training."""
        began = time.perf_counter() - self.seconds
        for done, _ in enumerate(fitting, 1):
            self.seconds = time.perf_counter() - began
            if self.progress is not None:
                self.progress(steps + done, steps + self.heads, {})


def _origin(options: DistillOptions, photos: Path, teacher: Teacher, shape: CompactOptions) -> dict[str, Any]:
    """All that the result depends on, as JSON has it."""
    files = find_pictures([photos])
    digests = sorted(sha256(file) for file in files)
    origin = {
        "options": asdict(options),
        "widths": shape.widths,
        "teacher": [{"name": file.name, "sha256": sha256(file)} for file in teacher.files],
        "photos": {"count": len(files), "sha256": hashlib.sha256("\n".join(digests).encode()).hexdigest()},
    }
    return json.loads(json.dumps(origin))


def _begin_anew(state: Path) -> int:
    if state.exists():
        raise ConfigError(f"{state} is an unfinished run; go on with --resume, or delete it to begin anew")
    state.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(state.parent, os.W_OK):
        raise ConfigError(f"{state.parent} cannot be written to; choose another folder")
    return 0


def _steps_done(state: Path, origin: Mapping[str, Any]) -> int:
    """How far an unfinished run is, once it is seen to be the same one."""
    if not state.is_file():
        raise ConfigError(f"{state} is not there: nothing to resume; leave out --resume to begin")
    try:
        saved = torch.load(state, map_location="cpu", weights_only=True)
        steps, begun = int(saved["global_step"]), saved["callbacks"]["record"]["origin"]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{state} cannot be read as an unfinished run; delete it and begin anew") from error
    for now, then in ((origin["options"], begun["options"]), (origin, begun)):
        for key, value in now.items():
            if then.get(key) != value:
                raise ConfigError(f"{state} was begun with {key} {then.get(key)}, not {value}; give the same again")
    return steps


def _finish(
    student: CompactNetwork, teacher: Teacher, output: Path, evaluation: Sequence[Path], record: Record
) -> dict[str, Any]:
    for parameter in student.parameters():
        parameter.data = parameter.data.half().float()  # as the file will hold it
    errors = asdict(measure_gram_errors(student, teacher, evaluation)) if evaluation else None
    card = {
        "network": "compact",
        **record.origin,
        "seed": record.origin["options"]["seed"],
        "steps": record.origin["options"]["steps"],
        "seconds": round(record.seconds, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "precision": precision(),
        "hardware": hardware(),
        "provenance": provenance()
        | {name: importlib.metadata.version(name) for name in ("pytorch-lightning", "pytorch-optimizer")},
        "gram_errors": errors,
    }
    save_compact(student.cpu(), output, card)
    beside = {"file": output.name, "sha256": sha256(output), **card}
    write_bytes(output.with_suffix(".json"), (json.dumps(beside, indent=2) + "\n").encode())
    return card
