"""Files in stores: fetched, listed, published; what breaks on the way, and what is told of it."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from broken_store import CONTENT, KEY, SECRET, BrokenStore, broken_store

from nst_core import copies, fetch, storage
from nst_core.copies import copies_folder, copy_path, origin
from nst_core.errors import ConfigError, NstError, StorageError
from nst_core.fetch import bring
from nst_core.storage import check_url, find, is_url, look, publish, show
from nst_core.storage_errors import Missing, Unreachable

pytest_plugins = ["store_fixtures"]

Put = Callable[[str, bytes], str]
Held = Callable[[], dict[str, bytes]]


@pytest.fixture
def broken(elsewhere: Callable[[str], None]) -> Iterator[BrokenStore]:
    with broken_store() as store:
        elsewhere(store.address)
        yield store


def names_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("text", ["s3://bucket/a.jpg", "SFTP://host/a", "gs://bucket", "file:///a/b", "memory://x"])
def test_urls_are_told_from_paths(text: str):
    assert is_url(text)


@pytest.mark.parametrize("text", ["a.jpg", "/a/b", r"C:\photos", "C:/photos", "s3:/bucket", "photos/*.jpg", ".", ""])
def test_paths_are_no_urls(text: str):
    assert not is_url(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/a.jpg", "s3://bucket/a.jpg"),
        ("sftp://anna:nevertell@host:22/a.jpg", "sftp://host:22/a.jpg"),
        ("https://host/a.jpg?X-Amz-Signature=nevertell&b=1", "https://host/a.jpg"),
        ("s3://nevertell:nevertell@bucket/a?key=nevertell", "s3://bucket/a"),
        ("https://host/a.jpg#token=nevertell", "https://host/a.jpg"),
        ("s3://bucket/what?.jpg", "s3://bucket/what?.jpg"),
        ("s3://bucket/at@home.jpg", "s3://bucket/at@home.jpg"),
    ],
)
def test_what_may_be_a_key_is_not_shown_and_refused(url: str, shown: str):
    assert show(url) == shown
    if url == shown:
        assert check_url(url) == url
    else:
        with pytest.raises(ConfigError) as error:
            check_url(url)
        assert "nevertell" not in str(error.value) and str(error.value).startswith(f"{shown}: leave names")


def test_a_file_is_fetched_once_and_again_when_the_store_has_another(put: Put, monkeypatch: pytest.MonkeyPatch):
    url = put("photos/cat.jpg", b"first")
    path = fetch.fetch(url)
    assert (path.name, path.read_bytes(), origin(path)) == ("cat.jpg", b"first", url)
    downloads = []
    monkeypatch.setattr(fetch, "_get", lambda *args, get=fetch._get: downloads.append(args) or get(*args))
    assert fetch.fetch(url) == path and not downloads
    put("photos/cat.jpg", b"other")  # as long as the first one, and within the same second
    assert fetch.fetch(url).read_bytes() == b"other" and len(downloads) == 1


def test_a_copy_that_was_changed_here_is_fetched_again(put: Put):
    path = fetch.fetch(url := put("cat.jpg", b"first"))
    path.write_bytes(b"mine!")
    os.utime(path, ns=(1, 1))
    assert fetch.fetch(url).read_bytes() == b"first"


def test_a_copy_that_is_known_by_its_hash_needs_no_network(put: Put, elsewhere: Callable[[str], None]):
    path = fetch.fetch(url := put("cat.jpg", b"first"))
    elsewhere("http://127.0.0.1:1")
    assert fetch.fetch(url, "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e") == path
    with pytest.raises(Unreachable):
        fetch.fetch(url, "0" * 64)


def test_a_folder_is_as_it_is_in_the_store(put: Put, client, bucket: str):
    for name in ("a.jpg", "sub/b.PNG", "sub/.hidden/c.jpg", ".d.jpg", "notes.txt"):
        put(f"photos/{name}", name.encode())
    put("photos2/e.jpg", b"of another folder")
    told: list[tuple[int, int | None]] = []
    (folder,) = bring(f"{bucket}/photos/", {".jpg", ".png"}, lambda done, total: told.append((done, total)))
    assert names_below(folder) == ["a.jpg", "sub/b.PNG"]
    assert (folder / "sub/b.PNG").read_bytes() == b"sub/b.PNG"
    assert told[-1] == (14, 14)
    client.delete_object(Bucket=bucket.removeprefix("s3://"), Key="photos/a.jpg")
    assert bring(f"{bucket}/photos", {".jpg", ".png"}) == [folder]
    assert names_below(folder) == ["sub/b.PNG"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*.jpg", ["a.jpg", "b.jpg"]), ("**/*.jpg", ["a.jpg", "b.jpg", "sub/c.jpg"]), ("[a].jpg", ["a.jpg"])],
)
def test_a_pattern_gives_what_fits(put: Put, bucket: str, pattern: str, names: list[str]):
    for name in ("a.jpg", "b.jpg", "sub/c.jpg", "d.txt"):
        put(f"photos/{name}", b"x")
    found = bring(f"{bucket}/photos/{pattern}", {".jpg"})
    assert [path.relative_to(copy_path(f"{bucket}/photos")).as_posix() for path in found] == names


def test_a_name_with_brackets_is_a_name_first(put: Put):
    url = put("photos/[a].jpg", b"x")
    assert [path.name for path in bring(url, {".jpg"})] == ["[a].jpg"]


@pytest.mark.parametrize(
    "name", ["../../../evil.jpg", "a/../../b.jpg", "a:b.jpg", 'a"b|c?.jpg', "katze-夜.jpg", "100%.jpg", "%2E%2E/a.jpg"]
)
def test_no_name_leads_out_of_the_cache_and_each_leads_back_to_its_url(name: str):
    url = f"s3://bucket/{name}"
    path = copy_path(url)
    assert ".." not in path.parts and path.is_relative_to(copies_folder())
    assert origin(path) == url
    assert origin(copies_folder().parent / "photos" / "a.jpg") is None


def test_the_cache_stays_small_enough_and_what_was_used_last_stays(put: Put, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copies, "LIMIT_BYTES", 250)
    monkeypatch.setattr(copies, "USED_S", 0.0)
    a, b, c = (put(f"{name}.jpg", bytes(100)) for name in "abc")
    fetch.fetch(a)
    fetch.fetch(b)
    fetch.fetch(a)
    fetch.fetch(c)
    assert [path.name for path in sorted(copies_folder().rglob("*.jpg"))] == ["a.jpg", "c.jpg"]
    with pytest.raises(StorageError, match="holds 0 GB, more than the 0 that are kept; name a part of it"):
        bring(a.rpartition("/")[0], {".jpg"})


def test_what_is_published_is_there_whole(bucket: str, held: Held, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(CONTENT)
    digest = publish(tmp_path / "a.png", f"{bucket}/painted/a.png")
    assert held() == {"painted/a.png": CONTENT}
    assert digest == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("address", ["memory://studio-{name}/painted/a.png", "file://{folder}/shared/painted/a.png"])
def test_other_stores_hold_the_same(address: str, tmp_path: Path):
    url = address.format(folder=tmp_path, name=tmp_path.name)
    for content in (b"first", CONTENT):
        (tmp_path / "a.png").write_bytes(content)
        publish(tmp_path / "a.png", url)
        assert fetch.fetch(url).read_bytes() == content
    (folder,) = bring(url.rpartition("/")[0], {".png"})
    assert names_below(folder) == ["a.png"]
    assert names_below(tmp_path / "shared") in ([], ["painted/a.png"])  # nothing temporary is left


def test_where_a_store_does_not_put_files_whole_what_arrived_otherwise_never_gets_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storage, "PAUSES_S", (0.0, 0.0))
    (tmp_path / "a.png").write_bytes(CONTENT)
    url = f"file://{tmp_path}/shared/a.png"
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/a.png").write_bytes(b"before")
    from fsspec.implementations.local import LocalFileSystem

    def cut(self, source: str, target: str, **options: object) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:-1])

    monkeypatch.setattr(LocalFileSystem, "put_file", cut)
    with pytest.raises(Unreachable, match="arrives otherwise than it was sent"):
        publish(tmp_path / "a.png", url)
    assert {path.name: path.read_bytes() for path in (tmp_path / "shared").iterdir()} == {"a.png": b"before"}


def test_a_transfer_that_breaks_off_is_tried_again(broken: BrokenStore):
    broken.bodies = [CONTENT[:100_000]]
    assert fetch.fetch("s3://bucket/a.jpg").read_bytes() == CONTENT
    assert len(broken.asked) > 1


def test_what_never_comes_whole_is_told_and_nothing_is_left(broken: BrokenStore):
    broken.bodies = [CONTENT[:100_000]] * 1000
    with pytest.raises(Unreachable, match=r"^s3://bucket/a.jpg cannot be reached; check the network"):
        fetch.fetch("s3://bucket/a.jpg")
    assert not list(copies_folder().rglob("*.jpg"))


def test_what_comes_otherwise_is_fetched_again(broken: BrokenStore):
    broken.bodies = [b"?" + CONTENT[1:]]
    assert fetch.fetch("s3://bucket/a.jpg").read_bytes() == CONTENT


def test_what_comes_otherwise_each_time_is_told_and_nothing_is_left(broken: BrokenStore):
    broken.bodies = [bytes([number]) + CONTENT[1:] for number in range(1, 100)]
    with pytest.raises(Unreachable, match="comes otherwise than it is in the store"):
        fetch.fetch("s3://bucket/a.jpg")
    assert not list(copies_folder().rglob("*.jpg"))


def test_a_tag_that_looks_like_a_checksum_and_is_none_does_no_harm(broken: BrokenStore):
    broken.tag = "0" * 32  # as where the store encrypts
    assert fetch.fetch("s3://bucket/a.jpg").read_bytes() == CONTENT


def test_a_bucket_that_may_only_be_read_is_told(broken: BrokenStore, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"^s3://bucket/a.png may not be read or written with these keys") as error:
        publish(tmp_path / "a.png", "s3://bucket/a.png")
    assert SECRET not in str(error.value)


def test_what_is_not_there_is_told_apart(bucket: str, put: Put, tmp_path: Path):
    put("photos/cat.jpg", b"x")
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(Missing, match=r"^s3://.*/photos/dog.jpg does not exist; check the name$"):
        look(f"{bucket}/photos/dog.jpg")
    with pytest.raises(Missing, match=r"^s3://.*/nowhere does not exist; check the name$"):
        find(f"{bucket}/nowhere", {".jpg"})
    with pytest.raises(Missing, match=r"^s3://.*/photos/\*.png does not exist; check the name$"):
        find(f"{bucket}/photos/*.png", {".png"})
    with pytest.raises(StorageError, match=r"^s3://.*/photos is a folder; name a file in it$"):
        look(f"{bucket}/photos")
    for fails in (lambda: look("s3://no-such/cat.jpg"), lambda: publish(tmp_path / "a.png", "s3://no-such/a.png")):
        with pytest.raises(Missing, match=r"^s3://no-such/.*: there is no bucket no-such; check the name$"):
            fails()


def test_no_network_is_told(elsewhere: Callable[[str], None]):
    elsewhere("http://127.0.0.1:1")
    with pytest.raises(
        Unreachable, match=r"^s3://bucket/a.jpg cannot be reached; check the network, then run the same"
    ):
        look("s3://bucket/a.jpg")


def test_a_store_without_keys_is_told(elsewhere: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, store: str):
    elsewhere(store)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageError, match=r"^s3://bucket/a.jpg: there are no keys for the store; set AWS_ACCESS_KEY"):
        look("s3://bucket/a.jpg")


def test_a_kind_of_store_that_nobody_knows_is_told():
    with pytest.raises(StorageError, match="foo is no kind of store that is known"):
        look("foo://bucket/a.jpg")


def test_keys_are_in_no_message_log_or_file(
    put: Put, elsewhere: Callable[[str], None], caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    caplog.set_level(logging.INFO)
    fetch.fetch(url := put("cat.jpg", b"x"))
    elsewhere("http://127.0.0.1:1")
    with pytest.raises(NstError) as error:
        look(url)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for key in (KEY, SECRET):
        assert key not in str(error.value) + caplog.text and key.encode() not in written


@pytest.mark.parametrize("missing", ["s3fs", "fsspec"])
def test_without_the_extra_one_line_tells(missing: str, store: str):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from nst_core.storage import look\n"
        "try: look('s3://bucket/a.jpg')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.startswith("StorageError s3://bucket/a.jpg needs the extra `storage`; in the folder of Impasto")


def test_what_needs_no_store_loads_nothing_of_them():
    code = "import sys, json, impasto.paint, studio.sweep.stored; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not {"fsspec", "s3fs", "gcsfs", "paramiko", "boto3", "torch"} & set(loaded)
