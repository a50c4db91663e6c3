"""When a session is over, as a condition on its row: it was ended, was not used for too long, or is too old."""

from datetime import timedelta

from sqlalchemy import ColumnElement

from auth_service.core.sessions import ABSOLUTE, IDLE
from auth_service.store import tables
from auth_service.store.clock import ago

_session = tables.session


def is_over(*, since: timedelta = timedelta()) -> ColumnElement[bool]:
    """Whether it is over, and was so that long ago."""
    # With the first half a row that never ended answers false and not NULL, which negated would be NULL again.
    is_ended = _session.c.ended_at.is_not(None) & (_session.c.ended_at <= ago(since))
    return is_ended | (_session.c.last_used_at < ago(IDLE + since)) | (_session.c.started_at < ago(ABSOLUTE + since))
