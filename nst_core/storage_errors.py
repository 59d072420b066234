"""What goes wrong with a store, as one line for the user: which file, and what to do. Nothing of it holds a key."""

import errno
from collections.abc import Iterator, Mapping

from nst_core.errors import StorageError

KEYS: Mapping[str, str] = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws configure",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login",
    "gcs": "set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login",
    "sftp": "put a key into ~/.ssh or an agent, and the user's name into ~/.ssh/config",
    "ssh": "put a key into ~/.ssh or an agent, and the user's name into ~/.ssh/config",
}
"""How a store is given keys."""


class Missing(StorageError):
    """There is no such file, folder or bucket."""


class Unreachable(StorageError):
    """The network or the store is down, or has broken off: what is worth another try."""


_KEYLESS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound",
    "DefaultCredentialsError", "RefreshError", "PasswordRequiredException",
}  # fmt: skip
_REFUSED = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired",
    "InvalidClientTokenId", "AuthenticationException", "401",
}  # fmt: skip
_BROKEN = {
    "ConnectionError", "TimeoutError", "EOFError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError",
    "IncompleteReadError", "NoValidConnectionsError", "ResponseParserError", "SSHException", "gaierror",
    "FSTimeoutError", "ChecksumError", "FlexibleChecksumError", "408", "429", "500", "502", "503", "504",
}  # fmt: skip
_TRY_AGAIN = {errno.EBUSY, errno.EIO, errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOTCONN} | {
    getattr(errno, "EREMOTEIO", errno.EIO)
}


def told(url: str, error: BaseException) -> StorageError:
    """What to tell the user of what a store's library has raised, whose own words might hold a key.

    Args:
        url: without keys.
        error: of the library, whose kinds and codes are known here by their names: it may not be installed.
    """
    protocol, _, rest = url.partition("://")
    host, keys = rest.partition("/")[0], KEYS.get(protocol, "see the documentation of the store")
    names = {name for cause in _causes(error) for name in _names(cause)}
    if isinstance(error, ImportError):
        return StorageError(f"{url} needs the extra `storage`; in the folder of Impasto, run: pip install '.[storage]'")
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return StorageError(f"{url}: {protocol} is no kind of store that is known; use s3, gs, sftp or file")
    if "NoSuchBucket" in names:
        return Missing(f"{url}: there is no bucket {host}; check the name")
    if names & _KEYLESS:
        return StorageError(f"{url}: there are no keys for the store; {keys}")
    if names & _REFUSED:
        return StorageError(f"{url}: the store does not take these keys; {keys}")
    if "BadHostKeyException" in names or "not found in known_hosts" in str(error):
        return StorageError(f"{url}: {host} is not known to be that host; make sure that it is, with: ssh {host}")
    if "FileNotFoundError" in names:
        return Missing(f"{url} does not exist; check the name")
    if names & {"PermissionError", "403"}:
        return StorageError(f"{url} may not be read or written with these keys; ask for the right, or {keys}")
    if names & _BROKEN or (isinstance(error, OSError) and error.errno in _TRY_AGAIN):
        return Unreachable(f"{url} cannot be reached; check the network, then run the same command again")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return StorageError(f"{url} cannot be used ({reason}); check the name")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _names(error: BaseException) -> Iterator[str]:
    """The kinds of an error, and the code that a store gave it."""
    yield from (kind.__name__ for kind in type(error).__mro__)
    if isinstance(response := getattr(error, "response", None), Mapping):  # of S3
        yield str(response.get("Error", {}).get("Code", ""))
    yield from (str(getattr(error, name, "")) for name in ("status", "code"))  # of HTTP, and of Google's
