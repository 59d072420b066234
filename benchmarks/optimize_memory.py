"""Peak memory of painting a 12-megapixel photo under a limit.

    impasto bench optimize_memory --limit 1.5GB

The photo is scikit-image's astronaut, enlarged; content does not matter to memory. The peak is that of the
whole process, as the kernel counted it; the baseline is a process that has imported the same modules and
done nothing.

Takes: 3 minutes.
Needs: nothing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import skimage.data
from harness import EXAMPLE_PAINTING, argument_parser, record, run, run_apart
from PIL import Image


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--limit", default="1.5GB")
    parser.add_argument("--width", type=int, default=4000)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--iterations", type=int, default=16, help="at the small scales; fewer at the large ones")
    options = parser.parse_args()
    baseline = run_apart("-c", "import impasto.optimize, nst_core.gatys, torch; torch.ones(1)").peak_bytes
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "painted.jpg"
        Image.fromarray(skimage.data.astronaut()).resize((options.width, options.height)).save(photo)
        command = ["optimize", str(photo), "--style", str(EXAMPLE_PAINTING), "-o", str(out), "--size", "original"]
        command += ["--memory-limit", options.limit, "--iterations", str(options.iterations)]
        done = run_apart("-m", "impasto.main", *command)
    figures = {
        "pixels": options.width * options.height,
        "limit": options.limit,
        "peak_gb": round(done.peak_bytes / 1e9, 3),
        "interpreter_gb": round(baseline / 1e9, 3),
        "above_interpreter_gb": round((done.peak_bytes - baseline) / 1e9, 3),
        "seconds": round(done.seconds, 1),
        "iterations": options.iterations,
    }
    name = f"optimize_memory_{options.width * options.height / 1e6:.0f}mp_{options.limit.lower()}".replace(".", "_")
    record(name, figures)


if __name__ == "__main__":
    run(main)
