"""The registry: what may come in, and how it goes out. What the verbs do is proved with their actions."""

import msgspec
import pytest

from chat_gateway.actions import history
from chat_gateway.api import verbs
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.protocol import codes
from shared.errors import InvalidInput, NotFound

ANN = UserId("ann")


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    word: str = "nothing"


async def echo(_chat: Chat, actor: UserId, wish: Wish) -> dict[str, str]:
    return {"actor": actor, "word": wish.word}


async def test_a_verb_decodes_acts_and_encodes(portless: Chat) -> None:
    verb = verbs.Verb(Wish, echo)
    assert await verb(portless, ANN, b'{"word":"hello"}') == b'{"actor":"ann","word":"hello"}'


async def test_no_data_is_an_empty_object(portless: Chat) -> None:
    assert await verbs.Verb(Wish, echo)(portless, ANN, b"") == b'{"actor":"ann","word":"nothing"}'


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"[]",
        b"null",
        b'{"word":1}',
        b'{"words":"hello"}',
        b"\xff",
        b'{"word":"\xff"}',
        b'{"\xff":"hello"}',
        pytest.param(b'{"words":' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="deep"),
    ],
)
async def test_what_does_not_fit_is_refused(portless: Chat, data: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        await verbs.Verb(Wish, echo)(portless, ANN, data)
    assert refused.value.code == "invalid_request"
    assert refused.value.message.endswith(".")


async def test_a_request_that_is_nested_too_deep_says_so(portless: Chat) -> None:
    verb = verbs.Verb(Wish, echo)
    with pytest.raises(InvalidInput) as refused:
        verb.decode(b'{"word":[[]]}', levels=2)
    assert refused.value.message == (
        "The request is not valid JSON: nested deeper than 2 levels, or brackets without their match."
    )
    with pytest.raises(InvalidInput, match="word"):
        verb.decode(b'{"word":[[]]}', levels=3)


async def test_a_refusal_names_the_field(portless: Chat) -> None:
    with pytest.raises(InvalidInput, match="word") as refused:
        await verbs.Verb(Wish, echo)(portless, ANN, b'{"word":1}')
    assert refused.value.details == {"word": "Expected `str`, got `int`"}


def test_a_verb_tells_what_it_takes_and_answers_and_does() -> None:
    verb = verbs.VERBS["history.page"]
    assert verb.request is history.PageRequest
    assert verb.answer is history.Page
    assert verb.description.startswith("Read ")
    assert verbs.Verb(Wish, echo).description == ""


def test_a_method_that_is_not_there_is_the_protocols_own_refusal() -> None:
    with pytest.raises(NotFound) as refused:
        verbs.find("room.explode")
    assert codes.number(refused.value.code) == 104


@pytest.mark.parametrize("method", verbs.VERBS)
async def test_every_verb_refuses_fields_it_does_not_know(portless: Chat, method: str) -> None:
    with pytest.raises(InvalidInput):
        await verbs.find(method)(portless, ANN, b'{"no such field":1}')


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("history.page", b'{"room":"r","limit":0}'),
        ("history.page", b'{"room":"r","limit":201}'),
        ("history.page", b'{"room":"r","after":-1}'),
        ("history.page", b'{"room":"r","after":1,"before":2}'),
        ("message.post", b'{"room":"r","body":""}'),
        ("message.post", b'{"room":"r","body":"hi","client_id":"1"}'),
        ("room.create", b'{"name":"  "}'),
        ("room.create", b'{"name":"r","kind":"secret"}'),
        ("room.list", b'{"scope":"all"}'),
        ("people.get", b'{"users":[' + b",".join([b'"u"'] * 501) + b"]}"),
    ],
)
async def test_what_is_out_of_bounds_is_refused_before_any_port_is_asked(
    portless: Chat, method: str, data: bytes
) -> None:
    with pytest.raises(InvalidInput):
        await verbs.find(method)(portless, ANN, data)


def test_no_string_of_a_request_is_without_a_bound() -> None:
    """But for texts, whose own rules refuse what is too long. What is unbounded can be made to be remembered."""
    texts = {"name", "topic", "body", "query"}
    schemas = msgspec.json.schema_components([verb.request for verb in verbs.VERBS.values()])[1]
    strings = {
        (kind, field): leaf
        for kind, schema in schemas.items()
        for field, value in schema["properties"].items()
        for leaf in (value, value.get("items", {}), *value.get("anyOf", ()))
        if leaf.get("type") == "string" and field not in texts
    }
    assert len(strings) > 30
    assert [where for where, leaf in strings.items() if leaf.get("maxLength", 256) > 255 and where[1] != "reason"] == []


@pytest.mark.parametrize("verb", ["people.get", "direct.open"])
def test_the_identifiers_of_a_list_are_bounded_too(verb: str) -> None:
    verbs.VERBS[verb].decode(msgspec.json.encode({"users": ["x" * 255]}))
    with pytest.raises(InvalidInput, match="length <= 255"):
        verbs.VERBS[verb].decode(msgspec.json.encode({"users": ["ann", "x" * 256]}))
