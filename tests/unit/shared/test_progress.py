import pytest

from shared.progress import Progress


def test_progress_is_told_once_a_second_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    now = 5.0
    progress = Progress(lambda: now)
    progress("session", 1, 3_000)
    now += 0.5
    progress("session", 2, 3_000)
    now += 0.5
    progress("session", 1_003, 3_000)
    progress("session", 3_000, 3_000)
    progress("link", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "session: 1 of 3,000 rows",
        "session: 1,003 of 3,000 rows",
        "session: 3,000 of 3,000 rows",
        "link: 0 of 0 rows",
    ]
