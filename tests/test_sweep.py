"""A sweep's parts: the plan, names, one job, the promise of a proof."""

import dataclasses
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from swept import enter, make_studio, planned, write_photo, write_style

from models.card import StyleCard
from models.catalog import find_style
from nst_core.errors import ImageError, ModelError, NstError
from nst_core.jobs import Ended
from nst_core.ledger import Ledger
from nst_core.picture import Picture, read_picture
from serve.paint_options import PaintOptions
from studio.sweep.finals import FinalOptions, order_finals
from studio.sweep.job import SweepJob, perform
from studio.sweep.plan import LEDGER, Settings, photo_files, plan_proofs, style_files, suffix
from studio.sweep.promise import Promise
from studio.sweep.sweep import Sweep
from studio.sweep.workshop import Workshop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(make_studio(tmp_path), monkeypatch)
    return tmp_path


def test_settings_are_each_with_each_and_none_twice():
    options = Settings((0.5, 1.0, 0.5), (2.0,), ("painting", "photo")).options()
    assert [(o.strength, o.brush_size, o.color, o.size) for o in options] == [
        (0.5, 2.0, "painting", 512), (0.5, 2.0, "photo", 512), (1.0, 2.0, "painting", 512), (1.0, 2.0, "photo", 512),
    ]  # fmt: skip
    assert [suffix(o) for o in options] == [
        "-strength0.5-brush2",
        "-strength0.5-brush2-photo",
        "-brush2",
        "-brush2-photo",
    ]


def test_a_job_survives_json_and_its_digest_knows_no_paths(folder: Path):
    job = planned(folder, PaintOptions(64, weights=(1.0, 2.0)))[0]
    assert SweepJob.from_spec(json.loads(json.dumps(job.spec()))) == job
    moved = dataclasses.replace(job, out="other.png", photo=dataclasses.replace(job.photo, path="/elsewhere.png"))
    assert moved.digest == job.digest
    changes = [{"kind": "final"}, {"how": "optimize"}, {"upscale": 2}, {"options": PaintOptions(65)}]
    assert len({job.digest, *(dataclasses.replace(job, **change).digest for change in changes)}) == 5
    with pytest.raises(NstError, match="another version of Impasto"):
        SweepJob.from_spec(job.spec() | {"format": 2})


def test_names_are_free_and_stay(folder: Path):
    write_photo(folder / "photos" / "a" / "photo0.png", 3)
    write_style(folder / "styles" / "Sun.onnx", 8)
    first = planned(folder)
    assert [job.out for job in first] == [f"proofs/photo{i}-{style}.png" for i in (0, 1) for style in ("sun", "moon")]
    ledger = Ledger(folder / LEDGER)
    ledger.add_all((job.out, job.spec()) for job in first)
    photos = [
        p for p in photo_files([Path("photos/a/photo0.png"), Path("photos/photo0.png")]) if not isinstance(p, str)
    ]
    again = list(plan_proofs(photos, style_files([find_style("Sun"), find_style("sun")]), [PaintOptions(64)], ledger))
    assert [job.out for job in again] == [f"proofs/photo0-{name}.png" for name in ("Sun_2", "sun_3", "Sun_4", "sun")]


def test_a_photo_that_cannot_be_read_is_told(folder: Path):
    found = photo_files([Path("photos/photo0.png"), Path("gone.png")])
    assert not isinstance(found[0], str) and found[1] == "gone.png cannot be read: No such file or directory"


def test_a_job_done_twice_is_painted_once(folder: Path):
    (job, *_), workshop = planned(folder), Workshop("cpu")
    record = perform(job, folder, workshop)
    file = folder / job.out
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    again = perform(job, folder, workshop)
    assert (again["size"], again["promise"]) == (record["size"], record["promise"]) == ([64, 43], record["promise"])
    assert file.stat().st_mtime_ns == when
    file.unlink()
    perform(job, folder, Workshop("cpu"))  # elsewhere, later
    assert np.array_equal(read_picture(file).pixels, np.asarray(Image.open(io.BytesIO(before))))
    file.write_bytes(before[:-100])  # cut off by another program: its beginning still tells what it is
    other = dataclasses.replace(job, options=PaintOptions(48))
    assert perform(other, folder, workshop)["size"] == [48, 32]


def test_a_photo_or_style_other_than_planned_is_not_painted(folder: Path):
    (job, *_), workshop = planned(folder), Workshop("cpu")
    write_photo(folder / "photos" / "photo0.png", 4)
    with pytest.raises(ImageError, match=r"photo0\.png has changed since the sweep was planned; run the same command"):
        perform(job, folder, workshop)
    write_style(folder / "styles" / "sun.onnx", 4)
    with pytest.raises(ModelError, match=r"sun\.onnx has changed since the sweep was planned"):
        perform(job, folder, Workshop("cpu"))
    assert not (folder / job.out).exists()


def test_promise_falls_with_forms_colors_and_contrast(folder: Path):
    style, options = find_style("sun"), PaintOptions()
    photo = read_picture("photos/photo0.png")
    mean, covariance = style.card.palette((1.0,))
    random = np.random.default_rng(0)

    def colored(pixels: np.ndarray) -> Picture:
        """With the mean and covariance of the painting's colors."""
        flat = pixels.reshape(-1, 3) - pixels.reshape(-1, 3).mean(0)
        white = flat @ np.linalg.inv(np.linalg.cholesky(np.cov(flat.T))).T
        return Picture.from_float((white @ np.linalg.cholesky(covariance).T + mean).reshape(pixels.shape).astype("f4"))

    good = Promise.of(colored(photo.as_float()), photo, style, options)
    assert good.forms > 0.7 and good.colors is not None and good.colors > 0.8
    noise = Promise.of(colored(random.random((64, 96, 3))), photo, style, options)
    assert noise.forms < 0.2 and noise.value < good.value
    pale = Picture.from_float(0.5 + 0.02 * (photo.as_float() - 0.5))
    promised = Promise.of(pale, photo, style, options)
    assert promised.contrast < 0.05 and promised.value < good.value
    off = Promise.of(Picture.from_float(colored(photo.as_float()).as_float()[..., ::-1] ** 4), photo, style, options)
    assert off.colors is not None and off.colors < good.colors
    soft = dataclasses.replace(style, card=softened(style.card))  # a painting with little contrast asks for little
    assert Promise.of(pale, photo, soft, options).contrast > 2 * Promise.of(pale, photo, style, options).contrast
    kept = Promise.of(photo, photo, style, PaintOptions(color="photo"))
    assert kept.colors is None and kept.value == pytest.approx(np.sqrt(kept.forms * kept.contrast), abs=1e-3)
    assert min(noise.value, promised.value, off.value) >= 0 and max(good.value, kept.value) <= 1


def softened(card: StyleCard) -> StyleCard:
    """With a tenth of the painting's contrasts."""
    (painting,) = card.paintings
    covariance = tuple(tuple(value / 100 for value in row) for row in painting.color_covariance)
    return dataclasses.replace(card, paintings=(dataclasses.replace(painting, color_covariance=covariance),))


def test_planning_ten_thousand_again_and_ordering_their_finals_takes_seconds(folder: Path):
    photo, style = planned(folder)[0].photo, planned(folder)[0].style
    photos = [dataclasses.replace(photo, path=f"/photos/{i}.jpg") for i in range(100)]
    styles = [dataclasses.replace(style, name=f"s{i}", path=f"/styles/s{i}.onnx") for i in range(100)]
    sweep, began = Sweep(folder / "sweep", FinalOptions(), dict), time.monotonic()
    assert sweep.plan(photos, styles, Settings()) == sweep.plan(photos, styles, Settings()) == 10_000
    assert sweep.ledger.counts("proofs/*")["waiting"] == 10_000
    with sweep.ledger.working():
        sweep.ledger.release_all(Ended(job.id, 0.0, {"promise": 0.5}) for job in sweep.ledger.settle([], claim=10_000))
    order_finals(sweep.ledger, FinalOptions(), {})
    assert sweep.ledger.counts() == {"waiting": 10_000, "running": 0, "done": 10_000, "failed": 0}
    assert time.monotonic() - began < 20


def test_no_module_of_a_fast_sweep_imports_torch():
    code = (
        "import sys, studio.sweep.sweep, studio.sweep.process, studio.sweep.finals, studio.sweep.job; "
        "print({'torch', 'onnx', 'matplotlib'} & sys.modules.keys())"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=dict(os.environ))
    assert done.stdout == "set()\n", done.stderr
