"""What the layers need to know of the photo, seen at a size that any photo comes down to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.filters import sobel

from nst_core.color import luminance
from nst_core.picture import Picture, fit_long_side
from studio.subject.faces import Face, find_faces
from studio.subject.model import SubjectModel
from studio.subject.saliency import saliency
from studio.subject.segment import subject_mask

SIGHT_PX = 1024
"""Long side at most."""
STRONG_PERCENT = 96
"""Of the pixels: edges that are stronger than these count as 1."""
LEAST_EDGE = 0.02
"""Of the range of lightness: where even the strongest edges are weaker the photo has none."""


@dataclass(frozen=True, eq=False)
class Sight:
    """A photo made small, and what it shows. All arrays are of the small size."""

    image: np.ndarray = field(repr=False)
    """(h, w, 3) float32 in [0, 1]."""
    scale: float
    """Of the small size to the photo's."""
    faces: Sequence[Face]
    """In pixels of the small size."""
    subject: np.ndarray = field(repr=False)
    """(h, w) float32 in [0, 1]."""
    saliency: np.ndarray = field(repr=False)
    """(h, w) float32 in [0, 1]."""
    edges: np.ndarray = field(repr=False)
    """(h, w) float32 in [0, 1], how strong they are."""

    @property
    def has_subject(self) -> bool:
        return bool(self.subject.mean() > 0.005)

    def face_ovals(self) -> np.ndarray:
        """(h, w) float32 in [0, 1]: the faces, from brow to chin, fading out."""
        ovals = np.zeros(self.subject.shape, np.float32)
        for face in self.faces:
            middle = (face.left + face.width / 2, face.top + 0.55 * face.height)
            ovals = np.maximum(ovals, oval(ovals.shape, *middle, 0.42 * face.width, 0.5 * face.height))
        return ovals

    def eye_ovals(self) -> np.ndarray:
        """(h, w) float32 in [0, 1]: the eyes, lids included, fading out."""
        ovals = np.zeros(self.subject.shape, np.float32)
        for eye in (eye for face in self.faces for eye in face.eyes):
            ovals = np.maximum(ovals, oval(ovals.shape, eye.x, eye.y, 1.1 * eye.radius, 0.7 * eye.radius))
        return ovals


def look(photo: Picture, model: SubjectModel | None = None) -> Sight:
    """Looks at a photo.

    Raises:
        ConfigError: OpenCV is not installed.
        ModelError: The model fails.
    """
    long_side = min(SIGHT_PX, max(photo.width, photo.height))
    image = photo.resized(*fit_long_side(photo.width, photo.height, long_side)).as_float()
    faces = find_faces(image)
    subject = model.mask(image) if model else subject_mask(image, faces)
    return Sight(image, image.shape[1] / photo.width, faces, subject, saliency(image), _edges(image))


def _edges(image: np.ndarray) -> np.ndarray:
    strength = np.asarray(sobel(gaussian_filter(luminance(image), 1.2)))
    strong = max(float(np.percentile(strength, STRONG_PERCENT)), LEAST_EDGE)
    return np.clip(strength / strong, 0, 1).astype(np.float32)


def oval(shape: tuple[int, ...], x: float, y: float, wide: float, high: float) -> np.ndarray:
    """(h, w) float32: 1 in the middle of an ellipse of these half axes, and 0 half its size beyond it."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    off = np.hypot((columns - x) / wide, (rows - y) / high)
    return np.clip(3 - 2 * off, 0, 1).astype(np.float32)
