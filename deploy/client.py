"""The browser client: its dependencies and its build, each made again only when what it is made of has changed.

`python -m deploy.client dependencies | build`. It needs the environment's packages (Node is one of them).
"""

import hashlib
import sys
from pathlib import Path

from deploy.checks import StartError
from deploy.node import WEB, run_npm

_MADE = {"node_modules", "dist", "coverage"}


def ensure_dependencies(web: Path = WEB) -> None:
    lock = web / "package-lock.json"
    stamp = web / "node_modules" / ".installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if _holds(stamp, wanted):
        return
    print("Installing the client's packages ...", flush=True)
    _npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted, "ascii")


def ensure_build(web: Path = WEB) -> None:
    """`dist` is built from the sources as they are now."""
    stamp = web / "node_modules" / ".built-from"
    wanted = sources_hash(web)
    if _holds(stamp, wanted) and (web / "dist" / "index.html").exists():
        return
    ensure_dependencies(web)
    print("Building the client ...", flush=True)
    _npm("exec", "--", "vite", "build", "--logLevel", "warn")
    stamp.write_text(wanted, "ascii")


def sources_hash(web: Path) -> str:
    """One hash over names and contents of all that a build may read."""
    total = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        place = path.relative_to(web)
        if place.parts[0] not in _MADE and path.is_file():
            total.update(f"{place}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _holds(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text("ascii") == wanted


def _npm(*arguments: str) -> None:
    done = run_npm(*arguments)
    if done.returncode != 0:
        last = [line.strip() for line in done.stdout.splitlines() if line.strip()][-25:]
        print("\n".join(last), file=sys.stderr)
        raise StartError(f"The client could not be built: npm {arguments[0]} failed, its last lines are above.")


def main(arguments: list[str]) -> int:
    steps = {"dependencies": ensure_dependencies, "build": ensure_build}
    try:
        steps[arguments[0]]()
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
