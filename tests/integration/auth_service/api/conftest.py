"""HTTP on SQLite, at night on PostgreSQL as well: what differs between them is below, in actions and store."""

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
