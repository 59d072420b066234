"""Jobs that outlive their process: who works on them, and what becomes of them; no kill leaves their file broken."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_core.errors import ConfigError, NstError
from nst_core.job_list import JobList
from nst_core.jobs import Ended, Job, as_job, end_job, find_job, get_job, now
from nst_core.lock import hold

_RELEASE = "UPDATE job SET state = 'waiting' WHERE state = 'running'"


class Ledger(JobList):
    """Jobs that are worked on. Any process may look; one at a time works.

    Args:
        path: the file; beside it lie its lock and, during a transaction, the journal.

    Raises:
        NstError: from any call: the disk is full, or the file cannot be used; the message names it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._held = False

    @contextlib.contextmanager
    def working(self, command: str = "impasto train", option: str = "--run") -> Iterator[None]:
        """Makes this process the one that works; what another left running when it died waits again, in front.

        May be entered again inside.

        Args:
            command: that works on such ledgers, for the message.
            option: of the command, that names another folder.

        Raises:
            ConfigError: Another process is at work.
        """
        if self._held:
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold(self._lock_path))
            except BlockingIOError as error:
                raise ConfigError(
                    f"another {command} is at work in {self.path.parent} (process {self.worker()}); "
                    f"wait for it, or give another {option}"
                ) from error
            except OSError as error:
                raise self._file.cannot_use(self._lock_path, error) from error
            if self.path.exists():
                with self._file.transaction() as database:
                    database.execute(_RELEASE)
            self._held = True
            stack.callback(setattr, self, "_held", False)
            yield

    def claim(self) -> Job | None:
        """The next job to do, running from now on: first what was begun before, then in the order of adding.

        Call it within `working`.
        """
        if not self._held:
            raise RuntimeError("claim() needs working() around it")
        with self._file.transaction() as database:
            job = find_job(database, "state = 'waiting' ORDER BY begun IS NULL, id LIMIT 1")
            if job is None:
                return None
            database.execute(
                "UPDATE job SET state = 'running', begun = coalesce(begun, ?) WHERE id = ?", [now(), job.id]
            )
            return get_job(database, job.name)

    def settle(self, ended: Sequence[Ended], claim: int = 0, like: str = "*") -> list[Job]:
        """Tells what became of running jobs, and claims up to so many more, in one transaction.

        For work on several jobs at a time, of which each takes little longer than a transaction; call it within
        `working`. As with `claim`, what was begun before comes first, then the order of adding counts.

        Args:
            ended: what became of them.
            claim: how many more.
            like: only those whose names fit, as in `proofs/*`.

        Raises:
            NstError: One of the jobs is not running.
        """
        if not self._held:
            raise RuntimeError("settle() needs working() around it")
        time = now()
        with self._file.transaction() as database:
            for end in ended:
                if not end_job(database, end, time):
                    raise self._not_running()
            query = "SELECT id FROM job WHERE state = 'waiting' AND +name GLOB ? ORDER BY begun IS NULL, id LIMIT ?"
            ids = [row["id"] for row in database.execute(query, [like, claim])]
            marks = ", ".join("?" * len(ids))
            database.execute(
                f"UPDATE job SET state = 'running', begun = coalesce(begun, ?) WHERE id IN ({marks})", [time, *ids]
            )
            found = {
                row["id"]: as_job(row) for row in database.execute(f"SELECT * FROM job WHERE id IN ({marks})", ids)
            }
            return [found[id] for id in ids]

    def release_all(self, ended: Iterable[Ended] = ()) -> None:
        """What is running has ended so, or waits again: for an end of the work at whatever moment, within `working`."""
        if not self._held:
            raise RuntimeError("release_all() needs working() around it")
        with self._file.transaction() as database:
            for end in ended:
                end_job(database, end, now())
            database.execute(_RELEASE)

    def note(self, id: int, seconds: float, progress: Mapping[str, Any]) -> Job:
        """How far a running job is."""
        return self._set(id, seconds=seconds, progress=json.dumps(progress))

    def finish(self, id: int, result: Mapping[str, Any], seconds: float) -> Job:
        """A running job is done."""
        return self._set(id, state="done", result=json.dumps(result), seconds=seconds, ended=now())

    def fail(self, id: int, reason: str, seconds: float) -> Job:
        """A running job has failed."""
        return self._set(id, state="failed", reason=reason, seconds=seconds, ended=now())

    def release(self, id: int, seconds: float) -> Job:
        """A running job waits again, in front of those that were never begun."""
        return self._set(id, state="waiting", seconds=seconds)

    def _set(self, id: int, **values: Any) -> Job:
        """Changes a running job."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        with self._file.transaction() as database:
            database.execute(f"UPDATE job SET {columns} WHERE id = :id AND state = 'running'", values | {"id": id})
            job = find_job(database, "id = ? AND changes() = 1", id)
            if job is None:
                raise self._not_running()
            return job

    def _not_running(self) -> NstError:
        return NstError(f"{self.path} does not hold this job as running; was the file replaced?")
