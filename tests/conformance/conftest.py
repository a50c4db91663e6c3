from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.instances import running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The secret of the reference configuration is a short one, and suites have it built in."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"))


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Iterator[tuple[str, str]]:
    """Two instances on one log and one Redis."""
    folder: Path = tmp_path_factory.mktemp("two")
    shared = ("--redis", valkey_url, "--database", str(folder / "shared.db"))
    with (
        running(folder / "one.log", *shared, "--instance", "one") as one,
        running(folder / "other.log", *shared, "--instance", "other") as other,
    ):
        yield one, other
