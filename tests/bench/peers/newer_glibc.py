"""A newer glibc in a folder, for one program that wants it: taken from the next Debian by this machine's own apt.

Only for Debian 12, whose glibc is too old for uWebSockets.js. Nothing of the system is changed: apt gets lists, cache
and state of its own, and the packages are unpacked, not installed.
"""

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_OLD, _NEW = "bookworm", "trixie"
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_PACKAGES = ("libc6", "libstdc++6", "libgcc-s1")
_SECONDS = 120
_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


def loader(folder: Path) -> Sequence[str] | None:
    """Give what to put before a command to run it with that glibc; None where it cannot be had."""
    name = _LOADERS.get(platform.machine())
    if name is None:
        return None
    if not any(folder.rglob(name)) and not _fetched(folder):
        return None
    found = next(folder.rglob(name))
    return [str(found), "--library-path", str(found.parent)]


def _fetched(folder: Path) -> bool:
    sources = _next_sources()
    if not sources or shutil.which("apt-get") is None:
        return False
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        options = _own_apt(place, sources)
        try:
            _run(["apt-get", *options, "update"], place)
            _run(["apt-get", *options, "download", *_PACKAGES], place)
            for package in sorted(place.glob("*.deb")):
                _run(["dpkg-deb", "--extract", str(package), str(place / "root")], place)
        except (subprocess.SubprocessError, OSError):
            return False
        # moved when it is whole: a half of it would be taken for all of it
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place / "root" / "usr" / "lib", folder, symlinks=True)
    return True


def _next_sources() -> str:
    """Take this machine's own sources of Debian 12, with the next release's name."""
    if not _SOURCES.exists():
        return ""
    paragraphs = _SOURCES.read_text().split("\n\n")
    own = [text for text in paragraphs if re.search(rf"^Suites:.*\b{_OLD}(\s|$)", text, re.MULTILINE)]
    return "\n\n".join(re.sub(r"(?m)^Suites:.*$", f"Suites: {_NEW}", text) for text in own)


def _own_apt(place: Path, sources: str) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (place / folder).mkdir(parents=True)
    (place / "next.sources").write_text(sources)
    settings = {
        "Dir::State": place / "state",
        "Dir::Cache": place / "cache",
        "Dir::Etc::sourcelist": place / "next.sources",
        "Dir::Etc::sourceparts": "-",
        "APT::Sandbox::User": "root",  # the folder is not readable for apt's own user
        "Acquire::Languages": "none",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_SECONDS)
