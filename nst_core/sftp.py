"""Files on machines that SSH reaches, as the user's own ~/.ssh knows them: names, ports, keys and known hosts."""

import os
from pathlib import Path

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

CONNECT_S = 15.0
"""For a machine to answer."""
CONFIG = ".ssh/config"


class SSHFiles(SFTPFileSystem):
    """fsspec's, but for connecting: that one takes any host for the one that it says it is."""

    def _connect(self) -> None:
        path = Path.home() / CONFIG
        config = paramiko.SSHConfig.from_path(str(path)) if path.is_file() else paramiko.SSHConfig()
        found = config.lookup(self.host)
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        keys = [file for file in found.get("identityfile", ()) if os.path.isfile(os.path.expanduser(file))]
        try:
            self.client.connect(
                found["hostname"],
                port=int(self.ssh_kwargs.get("port") or found.get("port", 22)),
                username=found.get("user"),
                key_filename=keys or None,  # type: ignore[arg-type]  # several may be given
                timeout=CONNECT_S,
                banner_timeout=CONNECT_S,
                auth_timeout=CONNECT_S,
            )
        except paramiko.SSHException as error:
            transport = self.client.get_transport()
            if transport and transport.is_active() and "known_hosts" not in str(error):
                raise paramiko.AuthenticationException from error  # it may tell of the last key's format instead
            raise
        self.ftp = self.client.open_sftp()
