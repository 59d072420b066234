"""A segmentation network of the artist's own, as an ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from nst_core.errors import ModelError
from nst_core.picture_samples import resize_floats
from studio.subject.edges import follow_edges

DYNAMIC_PX = 320
"""Sides that a network of no fixed size is given."""
MEAN, SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""Of the colors of ImageNet, which networks for photos are trained with."""


class SubjectModel:
    """A network that takes a photo and gives where its subject is.

    Its input is (1, 3, h, w) float32, RGB with the mean and deviation of ImageNet, of a fixed or a free size, which
    the photo is stretched to. Its first output has one channel, (1, 1, h, w) or (1, h, w): probabilities, or their
    logits where any are outside [0, 1]. U²-Net, IS-Net and BiRefNet are exported so.

    Raises:
        ModelError: The file cannot be read, or the network takes or gives something else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ModelError(f"--subject-model {path} is no file; name an .onnx file")
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4  # what goes wrong is in the exception
        try:
            self._session = onnxruntime.InferenceSession(str(path), settings, ["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors have no common type
            raise ModelError(f"--subject-model {path} cannot be read: it is no ONNX network") from error
        inputs = self._session.get_inputs()
        shape: list[Any] = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
            raise ModelError(f"--subject-model {path} must take one input (1, 3, height, width), not {shape}")
        if inputs[0].type != "tensor(float)":
            raise ModelError(f"--subject-model {path} must take float32, not {inputs[0].type}")
        self._input = inputs[0].name
        self._height, self._width = (side if isinstance(side, int) else DYNAMIC_PX for side in shape[2:])

    def mask(self, image: np.ndarray) -> np.ndarray:
        """Where the subject is, (H, W) float32 in [0, 1], of an image (H, W, 3) float32 in [0, 1].

        Raises:
            ModelError: The network fails, or gives something else.
        """
        small = np.clip(resize_floats(image, self._width, self._height), 0, 1)
        batch = (small - MEAN) / SPREAD
        batch = np.ascontiguousarray(batch.transpose(2, 0, 1)[None], np.float32)
        try:
            found = np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)
        except Exception as error:
            raise ModelError(f"--subject-model {self.path} fails: {str(error).splitlines()[0]}") from error
        if found.ndim < 2 or found.size != found.shape[-1] * found.shape[-2] or not np.isfinite(found).all():
            raise ModelError(f"--subject-model {self.path} must give one channel of numbers, not {found.shape}")
        found = found.reshape(found.shape[-2:])
        if found.min() < 0 or found.max() > 1:
            found = 1 / (1 + np.exp(-found))
        found = np.clip(resize_floats(found[..., None], self._width, self._height)[..., 0], 0, 1)
        return follow_edges(found, small, image, share=0.006)
