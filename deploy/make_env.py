"""`make env`: a .env out of deploy/env.example, each `<hex 32>` and `<base64 32>` a secret of its own.

A file that is there is never touched. Standard library only.
"""

import base64
import os
import re
import secrets
import sys
from pathlib import Path

_PLACE = re.compile(r"<(hex|base64) (\d+)>")


def fill_in(example: str) -> str:
    return _PLACE.sub(lambda found: _secret(found[1], int(found[2])), example)


def _secret(form: str, size: int) -> str:
    made = secrets.token_bytes(size)
    return made.hex() if form == "hex" else base64.b64encode(made).decode("ascii")


def write(example: Path, target: Path) -> bool:
    """Answer whether it was written; False where there is one already."""
    try:
        # from its first byte on, nobody else may read it
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(fill_in(example.read_text("utf-8")))
    return True


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    if write(root / "deploy" / "env.example", root / ".env"):
        print("Wrote .env with fresh secrets: read it, then `docker compose up --build`.")
    else:
        print("There is a .env already, and it was left as it is: delete it first to get a new one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
