"""Peak memory of painting a 12-megapixel photo under a limit.

    python benchmarks/optimize_memory.py --limit 1.5GB

The photo is scikit-image's astronaut, enlarged; content does not matter to memory. The peak is that of the
whole process, as the kernel counted it; the baseline is a process that has imported the same modules and
done nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
from PIL import Image
from record import record

PAINTING = Path(__file__).parents[1] / "examples" / "paintings" / "swirling_night.jpg"


def peak_bytes(command: list[str]) -> tuple[int, float]:
    """Peak resident memory and seconds of a program, measured by a process that does nothing else."""
    watch = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", watch, *command], check=True, stdout=subprocess.PIPE, text=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", default="1.5GB")
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--iterations", type=int, default=16, help="at the small scales; fewer at the large ones")
    options = parser.parse_args()
    baseline, _ = peak_bytes([sys.executable, "-c", "import impasto.optimize, nst_core.gatys, torch; torch.ones(1)"])
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "painted.jpg"
        Image.fromarray(skimage.data.astronaut()).resize((options.width, options.height)).save(photo)
        command = ["optimize", str(photo), "--style", str(PAINTING), "-o", str(out), "--size", "original"]
        command += ["--memory-limit", options.limit, "--iterations", str(options.iterations)]
        peak, seconds = peak_bytes([sys.executable, "-m", "impasto.main", *command])
    figures = {
        "pixels": options.width * options.height,
        "limit": options.limit,
        "peak_gb": round(peak / 1e9, 3),
        "interpreter_gb": round(baseline / 1e9, 3),
        "above_interpreter_gb": round((peak - baseline) / 1e9, 3),
        "seconds": round(seconds, 1),
        "iterations": options.iterations,
    }
    print(figures)
    name = f"optimize_memory_{options.width * options.height / 1e6:.0f}mp_{options.limit.lower()}".replace(".", "_")
    print(record(name, figures))


if __name__ == "__main__":
    main()
