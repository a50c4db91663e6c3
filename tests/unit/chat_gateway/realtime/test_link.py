"""Links and receivers keep their ports: every method is there, with the same parameters."""

import inspect
from typing import Any

import pytest

from chat_gateway.realtime.link import Link, Receiver
from chat_gateway.realtime.session import Session
from tests.clients import RecordingLink


def methods(port: type) -> dict[str, Any]:
    return {name: method for name, method in vars(port).items() if inspect.isfunction(method) and name[0] != "_"}


@pytest.mark.parametrize(("port", "adapter"), [(Link, RecordingLink), (Receiver, Session)])
def test_an_adapter_has_the_methods_of_its_port(port: type, adapter: type) -> None:
    assert methods(port)
    for name, method in methods(port).items():
        theirs = inspect.signature(getattr(adapter, name)).parameters
        assert list(theirs) == list(inspect.signature(method).parameters)
