"""What a server takes on before it says no."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of what one request may cost, and of how many are in hand at a time."""

    upload_bytes: int = 200_000_000
    """Largest body of a request."""
    pixels: int = 200_000_000
    """Largest photo, and largest result."""
    at_once: int = 1
    """Pictures painted at a time in each lane; one alone uses all cores."""
    waiting: int = 32
    """Requests that may wait; more are answered 429."""
    timeout_s: float = 600.0
    """Longest that a picture may wait and be painted, and that an upload may take."""
