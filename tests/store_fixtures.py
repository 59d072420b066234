"""A store as Amazon's on this machine, for all tests that need one."""

import logging
import secrets
from collections.abc import Callable, Iterator

import boto3
import pytest
from broken_store import KEY, SECRET
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from nst_core import storage


@pytest.fixture(scope="session")
def store_address() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(store_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store is reached, and nothing is waited for."""
    variables = {
        "AWS_ENDPOINT_URL": store_address,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(storage, "PAUSES_S", (0.0, 0.0))
    return store_address


@pytest.fixture
def elsewhere(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has the store be at another address, or nowhere."""

    def move(address: str) -> None:
        S3FileSystem.clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)

    yield move
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def client(store: str):
    """What talks to the store without the program."""
    return boto3.client("s3")


@pytest.fixture
def bucket(client) -> str:
    """The URL of an empty bucket."""
    name = f"bucket-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def put(client, bucket: str) -> Callable[[str, bytes], str]:
    """Puts a file into the bucket, and gives its URL."""

    def put_file(name: str, content: bytes) -> str:
        client.put_object(Bucket=bucket.removeprefix("s3://"), Key=name, Body=content)
        return f"{bucket}/{name}"

    return put_file


@pytest.fixture
def held(client, bucket: str) -> Callable[[], dict[str, bytes]]:
    """What is in the bucket: content by name."""

    def get_all() -> dict[str, bytes]:
        name = bucket.removeprefix("s3://")
        keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=name).get("Contents", ())]
        return {key: client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}

    return get_all
