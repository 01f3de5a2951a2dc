"""A MariaDB server of this process's own, on loopback and a socket, with its data in a temporary directory."""

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

READER, PASSWORD = "afresh_kit_reader", "a secret; of {the} kit"
_SERVICE_USER = "mysql"
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it is."""

    directory: Path
    port: int

    def run(self, *statements: str, database: str = "") -> list[list[str]]:
        """Statements of another program, as the administrator; the rows of the last ones, as texts."""
        command = ["mariadb", "--no-defaults", f"--socket={self.directory / 's'}", "--user=root", "--batch"]
        command += [
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            "--binary-mode",
            "--max-allowed-packet=1G",
        ]
        done = subprocess.run(
            [*command, *([f"--database={database}"] if database else [])],
            input=";\n".join(statements) + ";\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return [line.split("\t") for line in done.stdout.splitlines()]


@cache
def server() -> Server:
    """Starts the server when it is first asked for; it ends with the process. Not as root: as the user that the
    package made for it."""
    directory = Path(tempfile.mkdtemp(prefix="afresh-mariadb-"))
    user = _user(directory)
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={directory / 'data'}", "--skip-test-db"]
    install += [
        f"--tmpdir={directory}",
        "--auth-root-authentication-method=normal",
        *([f"--user={user}"] if user else []),
    ]
    made = subprocess.run(install, check=False, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"no data directory for MariaDB could be made: {made.stdout} {made.stderr}")
    port = _free_port()
    command = ["mariadbd", "--no-defaults", f"--datadir={directory / 'data'}", f"--socket={directory / 's'}"]
    command += [
        f"--tmpdir={directory}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--log-error={directory / 'log'}",
        "--skip-log-bin",
    ]
    command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--max-allowed-packet=64M"]
    command += [
        "--character-set-server=utf8mb4",
        f"--general-log-file={directory / 'general'}",
        "--lower-case-table-names=0",
    ]
    command += [f"--user={user}"] if user else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    atexit.register(_stop, process, directory)
    found = Server(directory=directory, port=port)
    _await(found, process)
    found.run(
        "SET GLOBAL log_output = 'FILE'",
        f"CREATE USER {READER}@'%' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT PROCESS ON *.* TO {READER}@'%'",
    )
    return found


def _user(directory: Path) -> str:
    if os.geteuid() != 0:
        return ""
    found = pwd.getpwnam(_SERVICE_USER)
    os.chown(directory, found.pw_uid, found.pw_gid)
    return _SERVICE_USER


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _await(found: Server, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            found.run("SELECT 1")
        except RuntimeError as error:
            if process.poll() is not None or time.monotonic() > until:
                log = found.directory / "log"
                raise RuntimeError(f"MariaDB does not start: {log.read_text() if log.exists() else ''}") from error
            time.sleep(0.1)
        else:
            return


def _stop(process: "subprocess.Popen[bytes]", directory: Path) -> None:
    process.terminate()
    process.wait(_PATIENCE)
    shutil.rmtree(directory, ignore_errors=True)
