"""What the stack of layers is to be."""

from dataclasses import dataclass
from typing import Literal

Masks = Literal["white", "subject", "edges", "saliency", "region"]


@dataclass(frozen=True)
class LayersOptions:
    """How a stack is built."""

    masks: Masks = "white"
    """What the renders' masks show. white: all, for the artist to paint; subject: the detailed renders on the subject,
    the broad ones behind it; edges: the detailed ones along edges; saliency: the more detailed, the more it catches the
    eye; region: each render a few large regions of its own."""
    subject_model: str = ""
    """A segmentation network (.onnx) that finds the subject; empty takes GrabCut, saliency and faces."""
    size: int = 0
    """Long side of the layers, pixels; 0 takes the photo's own or, with upscale, that of the enlarged renders if it is
    larger."""
    upscale: int = 0
    """2 or 4 enlarges the renders so many times first, as impasto upscale does; 0 does not."""
