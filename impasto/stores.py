"""What the command line names in stores, like s3://bucket/photos, as local copies."""

import contextlib
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from rich.progress import DownloadColumn

from impasto.progress import progress_bar
from nst_core.copies import copy_path
from nst_core.fetch import bring
from nst_core.picture import READABLE_SUFFIXES
from nst_core.picture_encode import FORMATS
from nst_core.storage import check_place, check_url, is_url


def local(given: Sequence[str], suffixes: Collection[str] = READABLE_SUFFIXES) -> list[str]:
    """The same files, folders and patterns, fetched where they are in a store.

    Args:
        given: of the command line.
        suffixes: of what is fetched of folders.

    Raises:
        NstError: Something is not there, or cannot be fetched.
    """
    if not any(map(is_url, given)):
        return list(given)
    found: list[str] = []
    with progress_bar(DownloadColumn()) as bar:
        for text in given:
            if not is_url(text):
                found.append(text)
                continue
            task = bar.add_task(f"fetching {check_url(text)}", total=None)
            paths = bring(text, suffixes, lambda done, total, task=task: bar.update(task, completed=done, total=total))
            found += map(str, paths)
    return found


def place(text: str) -> str:
    """A file or folder, or where the copy of one in a store is, fetched or not."""
    return str(copy_path(check_url(text))) if is_url(text) else text


@contextlib.contextmanager
def workplace(out: str) -> Iterator[str]:
    """A file or folder for results: the one that was named or, of one in a store, a temporary one of the same name.

    Raises:
        StorageError: Nothing can be put there.
    """
    if not is_url(out):
        yield out
        return
    url = check_url(out)
    is_file = PurePosixPath(url).suffix.lower() in FORMATS
    check_place(url.rpartition("/")[0] if is_file else url)
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        yield str(Path(folder, PurePosixPath(url).name)) if is_file else f"{folder}/"


def local_file(text: str) -> Path:
    """One file or folder, fetched where it is in a store; raises what `local` does."""
    return Path(local([text])[0])
