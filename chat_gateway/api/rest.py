"""The REST face of the chat: every verb of the registry is `POST /api/v1/<verb>`, JSON in and JSON out.

What a verb takes, answers and refuses is the same as by rpc; refusals are problem documents. The documentation at
`GET /api/v1/openapi.json` is made from the same types and needs no token. No page of another origin may read any of it.
"""

import hashlib
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from chat_gateway.api.access import Access
from chat_gateway.api.pace import Pace
from chat_gateway.api.verbs import VERBS, Verb
from chat_gateway.core.chat import Chat
from chat_gateway.protocol.json_text import DATA_DEPTH
from shared.web import check_is_json, read_body

BASE = "/api/v1"
DOCUMENT = f"{BASE}/openapi.json"

_DOCUMENT_SECONDS = 300


def add_routes(
    app: web.Application, *, chat: Chat, access: Access, pace: Pace, document: bytes, levels: int = DATA_DEPTH
) -> None:
    """Serve all verbs, and this document about them. `levels` bounds the nesting of a request."""
    app.on_response_prepare.append(_add_headers)
    app.router.add_get(DOCUMENT, _serving(document))
    for name, verb in VERBS.items():
        app.router.add_post(f"{BASE}/{name}", _acting(chat, access, pace, name, verb, levels))


def _acting(chat: Chat, access: Access, pace: Pace, name: str, verb: Verb, levels: int) -> Handler:
    async def act(request: web.Request) -> web.Response:
        caller = await access.caller(request)
        pace.check_request(caller.user)
        check_is_json(request)
        wish = verb.decode(await read_body(request), levels=levels)
        caller.check_scope(name, wish)
        pace.check(caller.user, name, wish)
        answer = await verb.act(caller.narrowed(chat), caller.user, wish)
        return web.Response(body=answer, content_type="application/json")

    return act


def _serving(document: bytes) -> Handler:
    etag = hashlib.sha256(document).hexdigest()[:32]

    async def serve(request: web.Request) -> web.Response:
        known = request.if_none_match or ()
        if any(tag.value in (etag, "*") for tag in known):
            response = web.Response(status=HTTPStatus.NOT_MODIFIED)
        else:
            response = web.Response(body=document, content_type="application/json")
        response.etag = etag
        response.headers["Cache-Control"] = f"public, max-age={_DOCUMENT_SECONDS}"
        return response

    return serve


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if not request.path.startswith(f"{BASE}/"):
        return
    response.headers.setdefault("Cache-Control", "no-store")
