"""A sweep on a Ray cluster of two nodes: whatever is killed or hangs, it becomes what one machine makes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from swept import STYLES, enter, make_studio, painted
from two_nodes import PATHS, Cluster, processes, ray, two_nodes, wait_for

from impasto.main import main
from models.catalog import find_style
from nst_core.cluster import ONE_MACHINE
from nst_core.ledger import Ledger
from studio.sweep import cluster as cluster_module
from studio.sweep.engines import open_workers
from studio.sweep.finals import FinalOptions
from studio.sweep.night import Event
from studio.sweep.plan import Settings, photo_files, style_files
from studio.sweep.station import Outcome, Station
from studio.sweep.sweep import Sweep

COMMAND = ["sweep", "photos", "--provider", "cpu", "--finals", "9", "--size", "80", "--styles", *STYLES]
COMMAND += ["--strength", "0.5", "1", "--color", "palette", "painting", "photo"]
PHOTOS = 8


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with two_nodes() as started:
        yield started


def test_a_deadly_job_is_set_aside_and_a_hanging_one_is_done_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
):
    enter(make_studio(tmp_path, photos=4, styles=3), monkeypatch)
    monkeypatch.setattr(cluster_module, "Station", Trouble)
    from studio.sweep import ray_workers

    monkeypatch.setattr(ray_workers, "MOST", 2)  # so that the two are not at work together
    monkeypatch.setattr(ray_workers, "LATE", 1.0)
    monkeypatch.setattr(ray_workers, "LATE_S", 1.0)
    monkeypatch.setattr(ray_workers, "LOOK_EVERY_S", 0.5)
    monkeypatch.setattr(ray_workers, "HALT_S", 1.0)
    sweep, said = Sweep(tmp_path / "sweep", FinalOptions(which="none"), dict), []
    photos = [photo for photo in photo_files(sorted(Path("photos").glob("*.png"))) if not isinstance(photo, str)]
    assert sweep.plan(photos, style_files([find_style(name) for name in STYLES]), Settings()) == 12
    with open_workers("ray", sweep.folder, "cpu", address=cluster.address, say=said.append) as workers:
        events = [event for event in sweep.work(workers) if isinstance(event, Event)]
    assert not ray.is_initialized()
    failed = {event.job.out: event.reason for event in events if event.reason}
    assert list(failed) == [DEADLY]
    assert failed[DEADLY].startswith("3 processes fell over it") and failed[DEADLY].endswith("it was set aside")
    assert len(events) == len({event.job.out for event in events}) == 12
    assert sweep.ledger.counts() == {"waiting": 0, "running": 0, "done": 11, "failed": 1}
    assert sum("has fallen" in line for line in said) == 3
    assert any(f"has been at {HANGING} for" in line for line in said)
    assert len(painted(sweep.folder)) == 11


DEADLY, HANGING = "proofs/photo1-moon.png", "proofs/photo3-sea.png"


class Trouble(Station):
    """Falls over one job, each time, and hangs in another, the first time."""

    def work(self, jobs) -> Outcome:
        names = [job.name for job in jobs]
        if DEADLY in names:
            os.kill(os.getpid(), signal.SIGKILL)
        if HANGING in names:
            try:
                Path(jobs[0].spec["photo"]["path"]).with_name("hung").touch(exist_ok=False)
                time.sleep(60)
            except FileExistsError:
                pass
        return super().work(jobs)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_whatever_is_killed_nothing_is_lost_and_nothing_painted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
):
    enter(make_studio(tmp_path, photos=PHOTOS, styles=3), monkeypatch)
    assert main([*COMMAND, "-o", "alone"]) == 0

    driver = start(QUICK, "--address", str(cluster.address))
    wait_for(lambda: len(pictures()) >= 4, driver)
    wait_for(kill_one_at_work, driver)
    wait_for(lambda: "has fallen; what it had" in Path("errors.txt").read_text(), driver)
    there = len(pictures())
    wait_for(lambda: len(pictures()) > there, driver)
    driver.kill()
    driver.wait()
    wait_for(lambda: not processes("ray::Station"))  # what had begun may end, a moment longer
    once = when_written(PHOTOS * 18)

    driver = start(QUICK, "--address", str(cluster.address))
    wait_for(lambda: len(pictures()) > len(once), driver)
    assert cluster.head_node
    cluster.head_node.kill_gcs_server()  # no test comes after this one
    assert driver.wait(120) == 2
    assert "the head of the Ray cluster is gone" in Path("errors.txt").read_text()
    twice = when_written(PHOTOS * 18)
    assert once.items() < twice.items(), "painted twice"

    for left in Path("sweep").rglob(".impasto-*"):
        os.utime(left, (0, 0))  # as if that were long ago
    monkeypatch.delenv(ONE_MACHINE)
    driver = start(PLAIN)  # on a cluster of its own, on this machine
    wait_for(lambda: len(pictures()) > len(twice), driver)
    family = psutil.Process(driver.pid).children(recursive=True)
    ports = [port for process in family for port in listening(process)]
    assert ports and {port.laddr.ip for port in ports} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert driver.wait(120) == 0, Path("errors.txt").read_text()
    assert not psutil.wait_procs(family, 20)[1], "left behind"

    assert twice.items() < when_written(PHOTOS * 18 + 10).items(), "painted twice"
    assert painted(Path("sweep")) == painted(Path("alone"))
    assert len(painted(Path("sweep"))) == PHOTOS * 18 + 9
    assert records(Path("sweep")) == records(Path("alone"))
    assert not list(Path("sweep").rglob(".impasto-*"))


PLAIN = "import sys; from impasto.main import main; sys.exit(main(sys.argv[1:]))"
QUICK = f"from studio.sweep import ray_workers; ray_workers.LOOK_EVERY_S = 0.2; {PLAIN}"


def start(program: str, *more: str) -> subprocess.Popen:
    words = [sys.executable, "-c", program, *COMMAND, "--engine", "ray", *more]
    with Path("errors.txt").open("w") as errors:
        return subprocess.Popen(words, env=os.environ | PATHS, stdout=subprocess.DEVNULL, stderr=errors)


def kill_one_at_work() -> bool:
    """Of the stations; one that is still starting has nothing to lose."""
    at_work = processes("ray::Station.work")
    for process in at_work[:1]:
        process.kill()
    return bool(at_work)


def listening(process: psutil.Process) -> list:
    try:
        return [port for port in process.net_connections("inet") if port.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []


def pictures() -> list[Path]:
    return [*Path("sweep").glob("photo*.png"), *Path("sweep/proofs").glob("photo*.png")]


def when_written(fewer_than: int) -> dict[Path, int]:
    found = {path: path.stat().st_mtime_ns for path in pictures()}
    assert Ledger(Path("sweep/sweep.sqlite")).counts()["done"] <= len(found) < fewer_than
    return found


def records(folder: Path) -> dict[str, object]:
    """What the ledger holds, but for the clock."""
    rows = Ledger(folder / "sweep.sqlite").jobs()
    return {row.name: (row.spec, row.state, {**(row.result or {}), "seconds": None}) for row in rows}
