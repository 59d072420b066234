"""Smooth curves through given points."""

import numpy as np

from draw.noise import Floats


def spline(points: list[tuple[float, float]] | Floats, count: int) -> Floats:
    """A Catmull-Rom curve through all `points`: `count` points (count, 2), evenly spaced along it."""
    p = np.asarray(points, np.float32)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, 24, endpoint=False, dtype=np.float32)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return resample(np.vstack([*parts, p[-2:-1]]), count)


def resample(path: Floats, count: int) -> Floats:
    """The same path with `count` evenly spaced points."""
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, run[-1], count)
    return np.stack([np.interp(at, run, path[:, 0]), np.interp(at, run, path[:, 1])], 1).astype(np.float32)


def normals(path: Floats) -> Floats:
    """Unit vectors to the right of the path's direction as drawn (y down), shape (n, 2)."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
    return np.stack([-along[:, 1], along[:, 0]], 1).astype(np.float32)


def flat(path: Floats) -> list[tuple[float, float]]:
    """The points as Pillow takes them."""
    return [(float(x), float(y)) for x, y in path]
