"""What every training here runs on: device and precision, a checkpoint a minute, and Ctrl-C that stays Ctrl-C."""

from __future__ import annotations

import io
import signal
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins import TorchCheckpointIO

from nst_core.files import write_bytes

CHECKPOINT_EVERY = timedelta(minutes=1)
"""A kill loses at most this much."""


def device() -> str:
    """`cuda` or `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def precision() -> Literal["bf16-mixed", "32-true"]:
    """`bf16-mixed` where the hardware computes in it, else fp32."""
    if device() == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if torch.cpu._is_avx512_bf16_supported() else "32-true"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all; Lightning's own go by way of another file system."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(Path(path), buffer.getvalue())


def checkpoints(state: Path, every: timedelta) -> ModelCheckpoint:
    """One file, written over and over, whole each time."""
    return ModelCheckpoint(
        dirpath=state.parent, filename=state.stem, train_time_interval=every, enable_version_counter=False
    )


def fit(trainer: pl.Trainer, module: pl.LightningModule, data: Any, state: Path | None) -> None:
    """Train, from `state` on if there is one.

    Args:
        data: a loader, or a LightningDataModule.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")  # advice on workers, folders and caches
        try:
            trainer.fit(module, data, ckpt_path=state, weights_only=True)
        except SystemExit as error:  # what Lightning makes of Ctrl-C, which it then ignores for good
            signal.signal(signal.SIGINT, interrupt)
            raise KeyboardInterrupt from error
