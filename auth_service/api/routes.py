"""Every address of auth on one screen."""

from aiohttp import web

from auth_service.api.accounts import AccountHandlers
from auth_service.api.changes import ChangesHandlers
from auth_service.api.jwks import JwksHandlers
from auth_service.api.sessions import SessionHandlers


def add_routes(
    app: web.Application,
    *,
    accounts: AccountHandlers,
    sessions: SessionHandlers,
    jwks: JwksHandlers,
    changes: ChangesHandlers,
) -> None:
    app.on_response_prepare.append(_forbid_caching)
    app.add_routes(
        [
            web.post("/auth/register", accounts.register),
            web.post("/auth/login", sessions.log_in),
            web.post("/auth/token", sessions.refresh),
            web.post("/auth/logout", sessions.log_out),
            web.get("/auth/me", accounts.me),
            web.patch("/auth/me", accounts.edit_me),
            web.get("/.well-known/jwks.json", jwks.jwks),
            web.get("/internal/changes", changes.changes),
        ]
    )


async def _forbid_caching(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Cache-Control", "no-store")
