"""Files on a machine that SSH reaches, as the user's own ~/.ssh knows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.sftp import SFTPFileSystem
from sftp_server import sftp_server

from nst_core import storage
from nst_core.errors import StorageError
from nst_core.fetch import bring, fetch
from nst_core.sftp import SSHFiles
from nst_core.storage import look, publish
from nst_core.storage_errors import Missing, Unreachable

CONTENT = bytes(range(250)) * 1200


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that sftp://studio/ is."""
    folder, home = tmp_path / "there", tmp_path / "home"
    (folder / "photos").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(storage, "PAUSES_S", (0.0, 0.0))
    with sftp_server(folder, home):
        SSHFiles.clear_instance_cache()
        yield folder
        SSHFiles.clear_instance_cache()


def test_photos_are_fetched(files: Path):
    (files / "photos/sub").mkdir()
    (files / "photos/cat.jpg").write_bytes(CONTENT)
    (files / "photos/sub/dog.jpg").write_bytes(b"dog")
    path = fetch("sftp://studio/photos/cat.jpg")
    assert (path.name, path.read_bytes()) == ("cat.jpg", CONTENT)
    (folder,) = bring("sftp://studio/photos", {".jpg"})
    assert {path.name: path.read_bytes() for path in folder.rglob("*.jpg")} == {"cat.jpg": CONTENT, "dog.jpg": b"dog"}
    assert [path.name for path in bring("sftp://studio/photos/*.jpg", {".jpg"})] == ["cat.jpg"]


def test_results_appear_whole_over_what_was_there(files: Path, tmp_path: Path):
    for content in (b"first", CONTENT):
        (tmp_path / "a.png").write_bytes(content)
        publish(tmp_path / "a.png", "sftp://studio/painted/deep/a.png")
        assert {path.name: path.read_bytes() for path in (files / "painted/deep").iterdir()} == {"a.png": content}


def test_what_arrived_otherwise_never_gets_the_name(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (files / "photos/a.png").write_bytes(b"before")
    (tmp_path / "a.png").write_bytes(CONTENT)
    (tmp_path / "other.png").write_bytes(CONTENT[:-1] + b"?")
    put = SFTPFileSystem.put_file
    monkeypatch.setattr(
        SFTPFileSystem, "put_file", lambda self, source, target: put(self, str(tmp_path / "other.png"), target)
    )
    with pytest.raises(Unreachable, match="arrives otherwise than it was sent"):
        publish(tmp_path / "a.png", "sftp://studio/photos/a.png")
    assert {path.name: path.read_bytes() for path in (files / "photos").iterdir()} == {"a.png": b"before"}


def test_what_is_wrong_is_told_apart(files: Path, tmp_path: Path):
    with pytest.raises(Missing, match=r"^sftp://studio/photos/no.jpg does not exist; check the name$"):
        look("sftp://studio/photos/no.jpg")
    ssh = tmp_path / "home/.ssh"
    known = (ssh / "known_hosts").read_text()
    (ssh / "known_hosts").write_text("")
    SSHFiles.clear_instance_cache()
    with pytest.raises(StorageError, match=r"studio is not known to be that host; make sure that it is, with: ssh st"):
        look("sftp://studio/photos/cat.jpg")
    (ssh / "known_hosts").write_text(known)
    (ssh / "config").write_text((ssh / "config").read_text().replace("anna", "eve"))
    with pytest.raises(StorageError, match=r"the store does not take these keys; put a key into ~/.ssh"):
        look("sftp://studio/photos/cat.jpg")
    (ssh / "config").write_text("Host studio\n HostName 127.0.0.1\n Port 1\n")
    with pytest.raises(Unreachable, match=r"^sftp://studio/photos/cat.jpg cannot be reached; check the network"):
        look("sftp://studio/photos/cat.jpg")
