"""A machine that SSH reaches, with a folder of files: paramiko's server, as far as SFTP goes."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface


class Door(paramiko.ServerInterface):
    """Lets in who has one key, as anna."""

    def __init__(self, key: paramiko.PKey) -> None:
        self._key = key

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == "anna" and key == self._key
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED  # type: ignore[attr-defined]

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[attr-defined]


class Files(SFTPServerInterface):
    """The files below a folder."""

    root = Path()

    def _path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def list_folder(self, path: str):
        folder = self._path(path)
        return [SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in folder.iterdir()]

    def stat(self, path: str):
        try:
            return SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: SFTPAttributes):
        try:
            handle = SFTPHandle(flags)
            mode = "wb+" if flags & os.O_TRUNC else "rb+" if flags & os.O_RDWR else "rb"
            file = self._path(path).open(mode)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
        handle.stat = lambda: SFTPAttributes.from_stat(os.fstat(file.fileno()))
        return handle

    def _done(self, work, *paths: Path) -> int:
        try:
            work(*paths)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)
        return paramiko.SFTP_OK  # type: ignore[attr-defined]

    def remove(self, path: str) -> int:
        return self._done(os.remove, self._path(path))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        return self._done(os.replace, self._path(oldpath), self._path(newpath))

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        return self._done(os.mkdir, self._path(path))


@contextmanager
def sftp_server(folder: Path, home: Path) -> Iterator[int]:
    """Serves a folder, and gives the port; what the user needs to come in is put into `home`/.ssh."""
    host_key, user_key = (paramiko.ECDSAKey.generate() for _ in range(2))
    ssh = home / ".ssh"
    ssh.mkdir(parents=True)
    user_key.write_private_key_file(str(ssh / "studio_key"))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    (ssh / "config").write_text(
        f"Host studio\n HostName 127.0.0.1\n Port {port}\n User anna\n IdentityFile {ssh / 'studio_key'}\n"
    )
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}\n")
    files = type("Served", (Files,), {"root": folder})
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(host_key)
            transport.set_subsystem_handler("sftp", SFTPServer, files)
            transport.start_server(server=Door(user_key))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield port
    listener.close()
    for transport in transports:
        transport.close()
