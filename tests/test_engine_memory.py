"""What the engine keeps of large pictures, in many styles one after another: next to nothing."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

KEPT_MB = 300
"""By three more styles: what networks and the allocator hold on to is 130 to 210; it was 700 to 1,700 when each kept
what its largest picture took."""
PAINT = """
import sys
import psutil
import skimage.data
from models.catalog import styles
from nst_core.picture import Picture
from serve.engine import Engine
from serve.providers import ComputeOptions

engine = Engine(ComputeOptions(sys.argv[1], 2), memory_limit=2_000_000_000)
photo = Picture(skimage.data.astronaut()).resized(1600, 1200)
for style in styles()[:4]:
    engine.stylize(photo, style)
    print(psutil.Process().memory_info().rss)
"""


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_each_further_style_keeps_little_of_a_large_picture(provider: str) -> None:
    if provider == "openvino" and find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    trial = subprocess.run([sys.executable, "-c", PAINT, provider], capture_output=True, text=True, check=True)
    kept = [int(line) / 1e6 for line in trial.stdout.split()]
    assert kept[-1] - kept[0] < KEPT_MB, kept
