from chat_gateway.protocol import codes
from chat_gateway.realtime.context import Context, Disconnected
from tests.clients import Instance
from tests.fakes import OpenChannels


def test_a_command_that_ends_the_connection_says_why() -> None:
    assert Disconnected(codes.STALE).disconnect == codes.STALE


def test_an_engine_is_what_its_sessions_share(application: OpenChannels) -> None:
    context: Context = Instance(application).engine
    for name in Context.__annotations__:
        assert hasattr(context, name)
