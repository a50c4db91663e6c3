from collections.abc import Iterator

import pytest

from tests.compose.composed import Composed, engine_answers


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    if not engine_answers():
        pytest.skip("NO DOCKER ENGINE ANSWERS: the containers were not tried")
    with Composed(tmp_path_factory.mktemp("compose")) as containers:
        yield containers
