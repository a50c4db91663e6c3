"""What the peers need, brought into var/bench once: compiled limits, packages for Python and for Node.

Each function gives the beginning of a command and costs nothing the second time. Raises Missing with the reason, a
sentence for whoever reads the table, where this machine cannot run the peer.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.checks import StartError
from deploy.node import node_command, npm_command, npm_environment
from deploy.packages import ensure_packages
from tests.bench.peers import newer_glibc

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / "var" / "bench"
_SHARED_C = ("relay.h", "relay.c", "accept_key.c", "json.c")


class Missing(Exception):
    """A peer cannot run here, and why."""


def limit(name: str) -> Sequence[str]:
    """Compile one of the two C servers."""
    sources = [HERE / "limits" / source for source in (*_SHARED_C, f"{name}.c")]
    program = CACHE / "limits" / f"{name}-{_fingerprint(sources)}"
    if program.exists():
        return [str(program)]
    if shutil.which("cc") is None:
        raise Missing("there is no C compiler `cc` on PATH")
    program.parent.mkdir(parents=True, exist_ok=True)
    compiled = [str(source) for source in sources if source.suffix == ".c"]
    _run(["cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(program), *compiled], program.parent)
    return [str(program)]


def python(script: str) -> Sequence[str]:
    """Install the Python peers in an environment of their own. `-P`: the script's folder is no place for imports."""
    interpreter = CACHE / "python" / "bin" / "python"
    if not interpreter.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(CACHE / "python")], HERE)
    try:
        ensure_packages(interpreter, HERE / "requirements" / "peers.txt", CACHE / "pip.log")
    except StartError as error:
        raise Missing(str(error)) from error
    return [str(interpreter), "-P", str(HERE / "python" / script)]


def node(script: str) -> Sequence[str]:
    """Install the Node peers. Their scripts are copied beside the packages, since Node looks for these upwards."""
    folder = CACHE / "node"
    shutil.copytree(HERE / "node", folder, dirs_exist_ok=True)
    lock = _fingerprint([folder / "package-lock.json"])
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text("ascii") != lock:
        _run(npm_command("ci", "--no-progress"), folder)
        stamp.write_text(lock, "ascii")
    return node_command(str(folder / script))


def native_node(script: str) -> Sequence[str]:
    """Like `node` for uWebSockets.js, whose binary wants a newer C library than older systems have."""
    command = node(script)
    probe = node_command("-e", "require('@btc-vision/uwebsockets.js')")
    if _loads(probe):
        return command
    loader = newer_glibc.loader(CACHE / "glibc")
    if loader is None:
        raise Missing("the binary of uWebSockets.js does not load here: it wants glibc 2.38, and no package brings it")
    if not _loads([*loader, *probe]):
        raise Missing("the binary of uWebSockets.js does not load here, with a newer glibc neither")
    return [*loader, *command]


def _loads(command: Sequence[str]) -> bool:
    return subprocess.run(command, cwd=CACHE / "node", capture_output=True, check=False).returncode == 0


def _fingerprint(files: Sequence[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=npm_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise Missing(f"`{Path(command[0]).name} {' '.join(command[1:3])}` failed: {done.stdout.strip()[-500:]}")
