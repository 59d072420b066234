"""A canvas that keeps color and thickness of paint, and a brush with bristles."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from draw.noise import Floats, as_bytes, as_floats, as_image


@dataclass
class Canvas:
    """Paint on a ground: its color, and its thickness (0 to 255), from which the relief is lit."""

    size: tuple[int, int]
    ground: Floats
    color: Image.Image = field(init=False)
    thickness: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        self.color = Image.new("RGB", self.size, as_bytes(self.ground))
        self.thickness = Image.new("L", self.size, 100)
        self._color = ImageDraw.Draw(self.color)
        self._thickness = ImageDraw.Draw(self.thickness)

    def stroke(
        self,
        path: Floats,
        width: float,
        color: Floats,
        rng: np.random.Generator,
        *,
        bristle: float = 3.0,
        streak: float = 0.045,
    ) -> None:
        """Draws one stroke: bristles side by side, each its own shade, ragged at both ends.

        Args:
            path: Points (n, 2) as x and y in pixels, evenly spaced.
            width: Width of the brush in pixels.
            bristle: Pixels from one bristle to the next.
            streak: Standard deviation of the bristles' shades.
        """
        points = len(path)
        along = np.gradient(path, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
        across = np.stack([-along[:, 1], along[:, 0]], 1)
        spacing = float(np.linalg.norm(path[1] - path[0])) + 1e-6
        count = max(3, round(width / bristle))
        offsets = np.linspace(-0.5, 0.5, count)
        round_end = width / 2 * (1 - np.sqrt(1 - np.minimum(1, 2 * np.abs(offsets)) ** 2)) / spacing
        cuts = round_end[:, None] + rng.exponential(0.05 * points, (count, 2))
        shades = color + rng.normal(0, streak, (count, 1)) + rng.normal(0, streak / 3, (count, 3))
        ridge = 96 + 80 * (2 * np.abs(offsets)) ** 3 + rng.normal(0, 26, count)
        line = max(1, round(width / count * 1.5))
        for i in rng.permutation(count):
            first, last = int(cuts[i, 0]), points - int(cuts[i, 1])
            if last - first < 2:
                continue
            bristle_path = path[first:last] + across[first:last] * (offsets[i] * width)
            flat: list[float] = bristle_path.ravel().tolist()
            self._color.line(flat, fill=as_bytes(shades[i]), width=line)
            self._thickness.line(flat, fill=int(np.clip(ridge[i], 0, 255)), width=line)

    def dab(self, x: float, y: float, radius: float, color: Floats) -> None:
        """Sets down one round dab, thick in the middle."""
        self._color.ellipse((x - radius, y - radius, x + radius, y + radius), fill=as_bytes(color))
        for share, thickness in ((1.0, 105), (0.75, 140), (0.45, 165)):
            r = radius * share
            self._thickness.ellipse((x - r, y - r, x + r, y + r), fill=thickness)

    def paste(self, other: "Canvas", corner: tuple[int, int], mask: Image.Image) -> None:
        """Lays another canvas on this one where `mask` is white."""
        self.color.paste(other.color, corner, mask)
        self.thickness.paste(other.thickness, corner, mask)

    def lit(self, size: tuple[int, int], relief: float, blur: float = 1.0) -> Image.Image:
        """The canvas at `size`, lit from the upper left."""
        thickness = as_floats(self.thickness.filter(ImageFilter.GaussianBlur(blur)))
        down, right = np.gradient(thickness)
        slope = np.clip(np.asarray(down + right)[..., None] * relief, -0.4, 0.4)
        pixels = as_floats(self.color)
        light = np.maximum(slope, 0)
        lit = pixels * (1 + np.minimum(slope, 0)) + (1 - pixels) * light * 0.5 + pixels * light * 0.35
        return as_image(lit).resize(size, Image.Resampling.LANCZOS)


def trace(angle: Floats, starts: Floats, length: Floats, points: int) -> Floats:
    """Follows a field of directions from each start, half the length each way.

    Args:
        angle: Direction at each pixel in radians, shape (height, width).
        starts: x and y of each stroke's middle, shape (n, 2).
        length: Length of each stroke in pixels, shape (n,).

    Returns:
        Paths of shape (n, 2 * points + 1, 2).
    """
    height, width = angle.shape
    halves: list[list[Floats]] = []
    for sign in (-1.0, 1.0):
        at = starts.copy()
        half: list[Floats] = []
        step = sign * length / (2 * points)
        for _ in range(points):
            x = np.clip(at[:, 0].astype(int), 0, width - 1)
            y = np.clip(at[:, 1].astype(int), 0, height - 1)
            direction = angle[y, x]
            at = at + np.stack([np.cos(direction) * step, np.sin(direction) * step], 1)
            half.append(at)
        halves.append(half)
    return np.stack([*reversed(halves[0]), starts, *halves[1]], 1)
