"""The lock beside a file: one holder at a time, and none that is dead."""

import subprocess
import sys
import threading
from pathlib import Path

from shared.locks import exclusive

HOLDER = """
import sys
from pathlib import Path
from shared.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_at_a_time_holds_it(tmp_path: Path) -> None:
    path, order = tmp_path / "some.db", []

    def second() -> None:
        with exclusive(path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with exclusive(path):
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    assert not path.exists()


def test_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        with exclusive(path):
            pass
