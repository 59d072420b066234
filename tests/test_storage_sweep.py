"""A sweep of photos in a store into the store: killed, gone on with elsewhere, and equal to one on the disk."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import pytest
from broken_store import KEY, SECRET
from swept import enter, make_studio, painted

from impasto.main import main
from nst_core.ledger import Ledger
from studio.sweep import lease, process, stored
from studio.sweep.finals import queue_finals
from studio.sweep.lease import FILE, Holder, Lease
from studio.sweep.remote import sweep_folder
from studio.sweep.station import Duty, Station, sweep_versions

pytest_plugins = ["store_fixtures"]

Put = Callable[[str, bytes], str]
Held = Callable[[], dict[str, bytes]]
OPTIONS = ["--styles", "sun", "moon", "--size", "80", "--provider", "cpu"]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Put) -> Path:
    """Three photos on the disk and in the bucket, two styles on the disk; what the program keeps is in `first`."""
    enter(make_studio(tmp_path, photos=3), monkeypatch)
    for photo in Path("photos").iterdir():
        put(f"photos/{photo.name}", photo.read_bytes())
    on_machine("first", monkeypatch)
    return tmp_path


def on_machine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the program is on another machine, as far as it can tell."""
    monkeypatch.setenv("XDG_DATA_HOME", os.path.abspath(name))
    monkeypatch.setenv("IMPASTO_CACHE_DIR", os.path.abspath(f"{name}-cache"))


def pictures(held: dict[str, bytes], folder: Path) -> dict:
    """Pixels and settings of a sweep's pictures in the bucket."""
    for name, content in held.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return painted(folder / "night")


@pytest.mark.skipif(sys.platform == "win32", reason="the folder of data is named by XDG_DATA_HOME")
def test_a_sweep_in_a_store_is_as_one_on_the_disk(
    studio: Path, bucket: str, held: Held, capsys: pytest.CaptureFixture[str]
):
    assert main(["sweep", "photos", *OPTIONS, "-o", "local"]) == 0
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "-o", f"{bucket}/night"]) == 0
    found = held()
    assert pictures(found, studio / "got") == painted(Path("local"))
    assert len(painted(Path("local"))) == 3 * 2 * 2
    assert {"night/report.html", "night/sweep.sqlite", "night/sheets/style-sun.png"} <= set(found)
    assert not json.loads(found[f"night/{FILE}"])["held"]
    out = capsys.readouterr().out
    assert f"{bucket}/night/report.html: proofs 6 done, finals 6 done" in out
    everything = b"".join(path.read_bytes() for path in studio.rglob("*") if path.is_file())
    for key in (KEY, SECRET):
        assert key.encode() not in everything and key not in out


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_another_machine_goes_on_where_one_was_killed_and_paints_nothing_twice(
    studio: Path, bucket: str, held: Held, client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    words = ["sweep", f"{bucket}/photos", *OPTIONS, "-o", f"{bucket}/night"]
    code = "import sys; from studio.sweep import stored; stored.EVERY_S = 0.3; from impasto.main import main; main()"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.Popen([sys.executable, "-c", code, *words], env=environment, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 180
    while len(dates(client, bucket)) < 2 or not is_there(client, bucket, "night/sweep.sqlite"):
        assert time.monotonic() < end and killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = dates(client, bucket)
    on_machine("second", monkeypatch)
    assert main(words) == 2  # the first machine may live, as far as the second one can tell
    assert f"{bucket}/night is being swept by " in capsys.readouterr().err
    monkeypatch.setattr(lease, "STALE_S", 0.0)
    assert main(words) == 0
    after = dates(client, bucket)
    assert {name: after[name] for name in before} == before, "was put there twice"
    assert "proofs 6 done, finals 6 done" in capsys.readouterr().out
    assert main(["sweep", "photos", *OPTIONS, "-o", "local"]) == 0
    assert pictures(held(), studio / "got") == painted(Path("local"))


def is_there(client, bucket: str, name: str) -> bool:
    return bool(client.list_objects_v2(Bucket=bucket.removeprefix("s3://"), Prefix=name).get("Contents"))


def dates(client, bucket: str) -> dict[str, object]:
    """When each picture was put into the sweep's folder."""
    found = client.list_objects_v2(Bucket=bucket.removeprefix("s3://"), Prefix="night/").get("Contents", ())
    pictures = [entry for entry in found if entry["Key"].endswith(".png") and "sheets" not in entry["Key"]]
    return {entry["Key"]: entry["LastModified"] for entry in pictures}


def test_a_picture_that_was_not_noted_is_taken_as_it_is(studio: Path, bucket: str, client, held: Held):
    words = ["sweep", f"{bucket}/photos", *OPTIONS, "-o", f"{bucket}/night"]
    assert main(words) == 0
    before = dates(client, bucket)
    folder = sweep_folder(f"{bucket}/night")
    with sqlite3.connect(folder / "sweep.sqlite") as database:  # as after a kill between picture and ledger
        database.execute("UPDATE job SET state = 'waiting', result = NULL")
    for path in folder.rglob("*.png"):
        path.unlink()
    assert main(words) == 0
    assert dates(client, bucket) == before
    rows = list(Ledger(folder / "sweep.sqlite").each("done"))
    assert len(rows) == 12
    for row in rows:
        assert row.result and row.result["sha256"]
        assert row.spec["photo"]["path"].startswith(f"{bucket}/photos/photo")
        assert row.spec["style"]["path"].startswith(f"{bucket}/night/inputs/styles/")


def test_photos_of_the_disk_go_along(studio: Path, bucket: str, held: Held):
    assert main(["sweep", "photos/photo0.png", *OPTIONS, "--finals", "none", "-o", f"{bucket}/night"]) == 0
    (name,) = [name for name in held() if "inputs/photos" in name]
    assert name.endswith("/photo0.png") and held()[name] == Path("photos/photo0.png").read_bytes()


def test_photos_of_a_store_are_swept_into_a_folder(studio: Path, bucket: str, put: Put):
    put("photos/broken.png", b"no picture")
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "--finals", "none", "-o", "local"]) == 2
    assert len(painted(Path("local"))) == 6
    reasons = {str(row.reason) for row in Ledger(Path("local/sweep.sqlite")).each("failed")}
    assert len(reasons) == 1 and f"{bucket}/photos/broken.png" in next(iter(reasons))


def test_status_is_told(studio: Path, bucket: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "-o", f"{bucket}/night"]) == 0
    on_machine("second", monkeypatch)
    capsys.readouterr()
    assert main(["sweep", "--status", "-o", f"{bucket}/night"]) == 0
    assert capsys.readouterr().out.startswith(f"{bucket}/night: proofs 6 done, finals 6 done")
    assert main(["sweep", "--status", "-o", f"{bucket}/nowhere"]) == 2
    assert f"there is no sweep in {bucket}/nowhere" in capsys.readouterr().err


def test_one_machine_at_a_time_holds_a_sweep(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = f"{bucket}/night"
    first, second = Lease(url, tmp_path / "a"), Lease(url, tmp_path / "b")
    assert not first.take()
    with pytest.raises(Exception, match=f"^{url} is being swept by .*; wait for it, or give another -o$"):
        second.take()
    assert Lease(url, tmp_path / "a").take()  # the same folder: its process has died, as the ledger's lock is free
    first.renew()
    monkeypatch.setattr(lease, "STALE_S", 0.0)
    assert not second.take()
    with pytest.raises(Exception, match="is being swept by"):
        first.renew()
    first.free()  # changes nothing
    assert Holder.of(url) == Holder(**asdict(Holder.of(url)) | {"held": True})  # type: ignore[arg-type]
    second.free()
    assert Holder.of(url).held is False  # type: ignore[union-attr]
    assert not first.take()


def test_a_sweep_that_lost_its_store_ends(
    studio: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], put: Put
):
    monkeypatch.setattr(stored, "EVERY_S", 0.05)
    take = Lease.take

    def take_and_lose(self: Lease) -> bool:
        found = take(self)
        other = Holder("another", "elsewhere", time.time(), True)
        put(f"night/{FILE}", json.dumps(asdict(other)).encode())
        return found

    monkeypatch.setattr(Lease, "take", take_and_lose)
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "-o", f"{bucket}/night"]) == 2
    assert f"{bucket}/night is being swept by elsewhere" in capsys.readouterr().err


def test_a_store_that_cannot_be_written_is_told_before_anything_is_painted(
    studio: Path, bucket: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "-o", "s3://no-such-bucket/night"]) == 2
    assert "there is no bucket no-such-bucket; check the name" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["s3://anna:nevertell@bucket/night", "s3://bucket/night?token=nevertell"])
def test_an_address_with_a_key_is_refused_and_the_key_told_nowhere(
    studio: Path, out: str, capsys: pytest.CaptureFixture[str]
):
    for words in (["sweep", "photos", *OPTIONS, "-o", out], ["sweep", out, *OPTIONS], ["paint", out, "--style", "sun"]):
        assert main(words) == 2
    told = capsys.readouterr()
    assert told.err.count("leave names, passwords and keys out of the address") == 3
    everything = b"".join(path.read_bytes() for path in studio.rglob("*") if path.is_file())
    assert "nevertell" not in told.out + told.err and b"nevertell" not in everything


def test_what_the_gallery_queues_goes_to_the_store_too(studio: Path, bucket: str, held: Held):
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "--finals", "none", "-o", f"{bucket}/night"]) == 0
    folder = sweep_folder(f"{bucket}/night")
    queue_finals(folder, ["proofs/photo1-sun.png"])
    assert process.main([str(folder)]) == 0
    finals = [name for name in held() if PurePosixPath(name).parent == PurePosixPath("night") and name.endswith(".png")]
    assert finals == ["night/photo1-sun.png"]


def test_a_station_needs_no_shared_folder(studio: Path, bucket: str, held: Held, tmp_path: Path):
    assert main(["sweep", f"{bucket}/photos", *OPTIONS, "--finals", "none", "-o", f"{bucket}/night"]) == 0
    jobs = list(Ledger(sweep_folder(f"{bucket}/night") / "sweep.sqlite").each())
    station, url = Station(), f"{bucket}/elsewhere"
    station.report(Duty(tmp_path / "not-there", "", sweep_versions(), "cpu", None, 1, 0, url))
    outcome = station.work(jobs)
    assert outcome.fault is None and [end.reason for end in outcome.ended] == [None] * 6
    found = held()
    for job, end in zip(jobs, outcome.ended, strict=True):
        assert end.result and end.result["sha256"] == hashlib.sha256(found[f"elsewhere/{job.name}"]).hexdigest()
    assert not (tmp_path / "not-there").exists()
