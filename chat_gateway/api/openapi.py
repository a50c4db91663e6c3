"""The OpenAPI 3.1 document of the REST face, made from the registry: request and answer types, docstrings, refusals.

Nothing in it is written twice. A verb's summary is the first sentence of its action's docstring; limits come from the
types' annotations; codes and sentences from the errors themselves.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chat_gateway.actions.messages import EditMessage, PostMessage
from chat_gateway.api.entry_schema import Entry
from chat_gateway.api.verbs import VERBS, Verb
from chat_gateway.core import errors
from chat_gateway.core.limits import DEFAULTS, ChatLimits
from shared.openapi import REFERENCE, raised_in, refused
from shared.problems import Problem

_WITH_TEXT = (PostMessage.__name__, EditMessage.__name__)
_ENTRY = {"$ref": REFERENCE.format(name="Entry")}

_ABOUT: Final = """\
What people do in the chat, for back ends and bots. Every verb is one POST with a JSON object; the same verbs, with \
the same objects, are rpc methods of the realtime protocol.

Send `Authorization: Bearer` with an access token of a person, or with an API key (`parley_...`), which may do what it \
was made for. A change may be sent again with the same `client_id`: it is made once and answered alike. Answers and \
entries may gain fields; branch on `code` of a problem, never on its text.\
"""

# Refusals that are raised where a value is read, so that their sentence may name it; all others are in core/errors.py.
_ELSEWHERE: Final = {
    "invalid_request": (400, "The request cannot be read. The detail names the field."),
    "empty_text": (400, "A message needs some text."),
    "unauthorized": (401, "Send an access token or an API key."),
    "token_expired": (401, "The token has expired. Fetch a new one."),
    "invalid_token": (401, "The token or key is not valid here."),
    "outside_scope": (403, "This API key may not do that, or not there."),
    "body_too_large": (413, "The body is over 1 MiB."),
    "unsupported_media_type": (415, "Send JSON with `Content-Type: application/json`."),
    "unsupported_encoding": (415, "Send the body without a Content-Encoding."),
    "rate_limited": (429, "Too much at once. Wait for `retry_after` seconds."),
    "internal": (500, "Something went wrong on our side. Try again."),
    "keys_unavailable": (503, "The token cannot be checked now. Try again in a moment."),
}
_EXAMPLES: Final[Mapping[str, dict[str, Any]]] = {
    "room.list": {"scope": "mine"},
    "room.create": {"name": "Release 2.0", "kind": "private"},
    "message.post": {
        "room": "lobby",
        "body": "The build is green.",
        "client_id": "019aa000-0000-7000-8000-000000000001",
    },
    "marker.set": {"room": "lobby", "offset": 1},
    "history.page": {"room": "lobby", "limit": 20},
}


def document(version: str, limits: ChatLimits = DEFAULTS) -> bytes:
    """Make the document, as JSON."""
    known = refusals(limits)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Parley chat", "version": version, "description": _ABOUT},
            "servers": [{"url": "/api/v1"}],
            "security": [{"bearer": []}],
            "tags": [{"name": noun} for noun in dict.fromkeys(name.partition(".")[0] for name in VERBS)],
            "paths": {f"/{name}": {"post": operation} for name, operation in _operations().items()},
            "components": {
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."}
                },
                "responses": {_response_name(status): refused(status, known) for status in _statuses()},
                "schemas": _schemas(limits),
            },
        }
    )


def refusals(limits: ChatLimits = DEFAULTS) -> dict[str, tuple[int, str]]:
    """Collect the status and the sentence of every code there is, where these limits hold."""
    too_many_rooms = errors.too_many_rooms(limits.rooms_per_person)
    too_long = f"A message has at most {limits.text_characters:,} characters and {limits.text_bytes:,} bytes of UTF-8."
    return {
        **raised_in(errors),
        **_ELSEWHERE,
        too_many_rooms.code: (too_many_rooms.status, too_many_rooms.message),
        "text_too_long": (413, too_long),
    }


def _statuses() -> list[int]:
    return sorted({status for status, _ in refusals().values()})


def _operations() -> dict[str, dict[str, Any]]:
    return {name: _operation(name, verb) for name, verb in VERBS.items()}


def _operation(name: str, verb: Verb) -> dict[str, Any]:
    summary, _, rest = " ".join(verb.description.split()).partition(". ")
    (asked, answered), _ = msgspec.json.schema_components((verb.request, verb.answer), ref_template=REFERENCE)
    body: dict[str, Any] = {"schema": asked}
    if name in _EXAMPLES:
        body["example"] = _EXAMPLES[name]
    return {
        "operationId": name,
        "tags": [name.partition(".")[0]],
        "summary": summary.removesuffix("."),
        "description": rest,
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": answered}}},
            **{str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in _statuses()},
        },
    }


def _response_name(status: int) -> str:
    return f"Problem{status}"


def _schemas(limits: ChatLimits) -> dict[str, Any]:
    types = [part for verb in VERBS.values() for part in (verb.request, verb.answer)]
    _, schemas = msgspec.json.schema_components(types, ref_template=REFERENCE)
    _, known = msgspec.json.schema_components((Entry, Problem), ref_template=REFERENCE)
    known["Problem"]["properties"]["code"]["examples"] = sorted(refusals())
    for name in _WITH_TEXT:
        schemas[name]["properties"]["body"]["maxLength"] = limits.text_characters
    return {**{name: _with_entries(schema) for name, schema in schemas.items()}, **known}


def _with_entries(schema: dict[str, Any]) -> dict[str, Any]:
    """Say what the encoded parts of an answer are: they are passed on as bytes, and every one of them is an entry."""
    fields = {name: _entry_or(field) for name, field in schema.get("properties", {}).items()}
    return {**schema, "properties": fields} if fields else schema


def _entry_or(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("items") == {}:
        return {**schema, "items": _ENTRY}
    return schema or _ENTRY
