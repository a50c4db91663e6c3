"""The Python SDK's source distribution, with its tests: fetched once through pip, checked, and unpacked for a run."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.conformance.instances import ROOT

VERSION = "0.7.0"
SHA256 = "11252b45c3f6b6104cfb07fb0fcfc9d2d62832d2af14715dd16fdc5e9c6e5964"

_CACHE = ROOT / "var" / "conformance"
_NAME = f"centrifuge_python-{VERSION}"
_ADDRESS_IN_TESTS = "localhost:8000"


def unpack(folder: Path, address: str) -> Path:
    """Unpack into the folder with the tests' hard-coded address replaced. Nothing else is changed."""
    archive = _CACHE / f"{_NAME}.tar.gz"
    if not _is_genuine(archive):
        _download()
    if not _is_genuine(archive):
        raise RuntimeError(f"{archive} is not the distribution that was pinned; look at where pip got it from.")
    with tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
    for test in (folder / _NAME / "tests").glob("*.py"):
        test.write_text(test.read_text().replace(_ADDRESS_IN_TESTS, address))
    return folder / _NAME


def _is_genuine(archive: Path) -> bool:
    return archive.exists() and hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256


def _download() -> None:
    wanted = ["--no-deps", "--no-binary", "centrifuge-python", f"centrifuge-python=={VERSION}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(_CACHE), *wanted]
    subprocess.run(command, check=True)
