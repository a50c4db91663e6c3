"""The containers of docker-compose.yml under a project name, a port and a network of their own, with fresh secrets."""

import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Self

from deploy.make_env import fill_in

ROOT = Path(__file__).resolve().parent.parent.parent
_PROJECT = "parley-test"
NETWORK = "172.30.241"
_BUILD_SECONDS = 900


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0 and (
            subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


class Composed:
    """Built, started and healthy within `with`; after it the images stay, as a cache."""

    def __init__(self, folder: Path) -> None:
        self._port = _free_port()
        self.base = f"http://localhost:{self._port}"
        changed = {
            "PORT": str(self._port),
            "PUBLIC_URL": self.base,
            "PARLEY_NETWORK": NETWORK,
            "CHAT_DRAIN_SECONDS": "1",
        }
        lines = [line for line in fill_in((ROOT / "deploy/env.example").read_text()).splitlines() if "=" in line]
        settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        self.settings = settings | changed
        self._env_file = folder / "env"
        self._env_file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))

    def __enter__(self) -> Self:
        self._remove()
        try:
            self.compose("up", "--build", "--detach", "--wait", seconds=_BUILD_SECONDS)
        except BaseException as error:
            error.add_note(self.compose("logs", "--no-color", "--tail=40", check=False))
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def compose(self, *arguments: str, check: bool = True, seconds: float = 120) -> str:
        """Run a command of docker compose and give what it has printed, errors included."""
        options = ["-p", _PROJECT, "--project-directory", str(ROOT), "--env-file", str(self._env_file)]
        done = subprocess.run(
            ["docker", "compose", *options, *arguments],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert not check or done.returncode == 0, f"{arguments[0]} failed:\n{done.stdout[-4000:]}"
        return done.stdout

    def setup_token(self) -> str:
        """Find what the migration has printed for the first administrator."""
        found = re.findall(r"/setup#token=([\w-]+)", self.compose("logs", "--no-color", "auth_migrate"))
        assert len(found) == 1
        return str(found[0])

    def scale_gateways(self, count: int) -> None:
        self.compose("up", "--detach", "--no-build", "--wait", "--scale", f"chat_gateway={count}")

    def kill_gateway(self, number: int) -> None:
        """Let every process in one container die by SIGKILL, which is what its restart policy is for."""
        self.compose("exec", "-T", "--index", str(number), "chat_gateway", "sh", "-c", "kill -9 -1", check=False)

    def healthy_gateways(self) -> int:
        rows = self.compose("ps", "--format", "json", "chat_gateway").splitlines()
        return sum(json.loads(row)["Health"] == "healthy" for row in rows)

    def gateway_of(self, user: str) -> int:
        """Find out by the logs in which container a user connected last."""
        connected = []
        for line in self.compose("logs", "--no-color", "chat_gateway").splitlines():
            name, _, text = line.partition("|")
            if '"client.connected"' in text and user in text:
                connected.append((json.loads(text)["timestamp"], int(name.strip().rpartition("-")[2])))
        return max(connected)[1]

    def _remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10", check=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
