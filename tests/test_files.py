"""Files are there whole or not at all; downloads are verified and go on where they stopped."""

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from nst_core import files
from nst_core.errors import NstError, WeightsError
from nst_core.files import atomic_path, download, sha256, write_bytes


def test_write_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path):
    target = tmp_path / "new" / "folder" / "picture.png"
    write_bytes(target, b"old")
    write_bytes(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["picture.png"]


def test_failure_in_the_block_keeps_the_old_file(tmp_path: Path):
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_bytes(b"half of the n")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["picture.png"]


def test_temporary_file_is_in_the_same_folder_with_the_same_suffix(tmp_path: Path):
    with atomic_path(tmp_path / "picture.tiff") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".tiff"


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links_are_those_of_a_plain_write(tmp_path: Path):
    plain, ours, link = tmp_path / "plain", tmp_path / "ours", tmp_path / "link"
    plain.write_bytes(b"")
    link.symlink_to(ours)
    write_bytes(link, b"data")
    assert link.is_symlink()
    assert ours.read_bytes() == b"data"
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize(
    ("code", "word"),
    [(errno.EROFS, "read-only"), (errno.EACCES, "no permission"), (errno.ENOSPC, "disk is full")],
)
def test_unwritable_folder_is_named_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, word: str
):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(NstError, match=word) as caught, atomic_path(tmp_path / "picture.png"):
        pytest.fail("the block must not run")
    assert str(tmp_path) in str(caught.value)


def test_disk_that_fills_up_during_the_block(tmp_path: Path):
    with (
        pytest.raises(NstError, match="disk is full") as caught,
        atomic_path(tmp_path / "a.png") as temporary,
    ):
        temporary.write_bytes(b"some")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(tmp_path) in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_folder_or_file_in_the_way(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(NstError, match="a folder of that name"):
        write_bytes(tmp_path / "folder", b"")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NstError, match="is a file, not a folder"):
        write_bytes(tmp_path / "file" / "picture.png", b"")


def test_error_about_another_file_keeps_its_own_words(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="other"), atomic_path(tmp_path / "a.png"):
        (tmp_path / "other").read_bytes()


def test_sha256_of_a_known_text(tmp_path: Path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_download_tells_its_progress(tmp_path: Path, file_server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "CHUNK_BYTES", 100_000)
    seen: list[tuple[int, int | None]] = []
    target = tmp_path / "sub" / "file.bin"
    download(file_server.url, target, digest(file_server.content), lambda *step: seen.append(step))
    assert target.read_bytes() == file_server.content
    assert seen == [(100_000, 300_000), (200_000, 300_000), (300_000, 300_000)]
    assert os.listdir(target.parent) == ["file.bin"]


def test_download_goes_on_where_it_was_cut(tmp_path: Path, file_server):
    target = tmp_path / "file.bin"
    file_server.cut_after_bytes = 120_000
    with pytest.raises(WeightsError, match=r"0\.1 MB are kept: run the same command again"):
        download(file_server.url, target, digest(file_server.content))
    assert os.listdir(tmp_path) == ["file.bin.part"]
    assert (tmp_path / "file.bin.part").read_bytes() == file_server.content[:120_000]

    file_server.cut_after_bytes = None
    steps: list[tuple[int, int | None]] = []
    download(file_server.url, target, digest(file_server.content), lambda *step: steps.append(step))
    assert file_server.ranges_asked == [None, "bytes=120000-"]
    assert steps[-1] == (300_000, 300_000)
    assert target.read_bytes() == file_server.content
    assert os.listdir(tmp_path) == ["file.bin"]


def test_download_from_a_server_that_cannot_resume_starts_over(tmp_path: Path, file_server):
    (tmp_path / "file.bin.part").write_bytes(b"an earlier try")
    file_server.knows_ranges = False
    download(file_server.url, tmp_path / "file.bin", digest(file_server.content))
    assert (tmp_path / "file.bin").read_bytes() == file_server.content


def test_download_that_had_arrived_but_was_not_renamed(tmp_path: Path, file_server):
    (tmp_path / "file.bin.part").write_bytes(file_server.content)
    download(file_server.url, tmp_path / "file.bin", digest(file_server.content))
    assert (tmp_path / "file.bin").read_bytes() == file_server.content


def test_download_of_another_file_is_thrown_away(tmp_path: Path, file_server):
    with pytest.raises(WeightsError, match="not the expected file"):
        download(file_server.url, tmp_path / "file.bin", digest(b"something else"))
    assert os.listdir(tmp_path) == []


def test_download_that_is_there_asks_nobody(tmp_path: Path, file_server):
    (tmp_path / "file.bin").write_bytes(file_server.content)
    download(file_server.url, tmp_path / "file.bin", digest(file_server.content))
    assert file_server.ranges_asked == []


def test_download_from_a_file_address(tmp_path: Path):
    (tmp_path / "source").write_bytes(b"abc")
    download((tmp_path / "source").as_uri(), tmp_path / "copy", digest(b"abc"))
    assert (tmp_path / "copy").read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://weights.invalid/a.pth", "Name or service not known"),
        ("http://127.0.0.1:1/a.pth", "Connection refused"),
        ("ftp://127.0.0.1/a.pth", "use http, https or file"),
        ("a.pth", "use http, https or file"),
    ],
)
def test_address_that_cannot_be_reached(tmp_path: Path, url: str, words: str):
    with pytest.raises(WeightsError, match=words) as caught:
        download(url, tmp_path / "a.pth", digest(b""))
    assert url in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_address_without_such_a_file(tmp_path: Path, file_server):
    with pytest.raises(WeightsError, match=r"HTTP 404.*impasto weights add FILE"):
        download(file_server.url + "x", tmp_path / "a.pth", digest(b""))
    assert os.listdir(tmp_path) == []
