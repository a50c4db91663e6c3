from dataclasses import replace

from auth_service.core.audit import Event, Record, record
from auth_service.core.callers import COMMAND_LINE, Caller
from auth_service.core.users import UserId

ANN = UserId("ann")


def test_who_is_logged_in_acts_as_himself_and_his_address_is_not_kept() -> None:
    made = record(Event.PASSWORD_CHANGED, ANN, Caller("203.0.113.9"), session="s")
    assert made == Record("password.changed", ANN, "ann", "203.0.113.0/24", {"session": "s"})


def test_command_acts_as_the_command_line() -> None:
    assert record(Event.USER_DISABLED, ANN, COMMAND_LINE) == Record("user.disabled", ANN, "command line")


def test_command_names_the_user_of_the_machine() -> None:
    made = record(Event.USER_ROLE_SET, ANN, replace(COMMAND_LINE, os_user="root"), role="member")
    assert (made.actor, made.details) == ("command line", {"role": "member", "os_user": "root"})


def test_nobody_acts_on_nothing() -> None:
    assert record(Event.LOGIN_FAILED, None, Caller()) == Record("login.failed", None, "")


def test_names_of_events_are_what_they_always_were() -> None:
    assert {event.value for event in Event} >= {
        "user.registered",
        "user.created",
        "user.edited",
        "user.disabled",
        "user.enabled",
        "user.role_set",
        "user.deleted",
        "user.exported",
        "login.succeeded",
        "login.failed",
        "password.changed",
        "password.reset",
        "session.ended",
        "session.reused",
        "link.made",
        "keys.rotated",
    }
