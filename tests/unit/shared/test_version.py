import json
import tomllib
from pathlib import Path

from shared.version import VERSION

ROOT = Path(__file__).resolve().parents[3]


def test_one_release_has_one_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert json.loads((ROOT / "chat_gateway/web/package.json").read_text())["version"] == VERSION
