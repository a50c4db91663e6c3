"""Every address of auth on one screen."""

from aiohttp import web

from auth_service.api.accounts import AccountHandlers
from auth_service.api.changes import ChangesHandlers
from auth_service.api.jwks import JwksHandlers
from auth_service.api.links import LinkHandlers
from auth_service.api.openapi import DocumentHandlers
from auth_service.api.sessions import SessionHandlers
from auth_service.api.site import SiteHandlers


def add_routes(
    app: web.Application,
    *,
    accounts: AccountHandlers,
    sessions: SessionHandlers,
    links: LinkHandlers,
    site: SiteHandlers,
    jwks: JwksHandlers,
    changes: ChangesHandlers,
    documents: DocumentHandlers,
) -> None:
    app.on_response_prepare.append(_forbid_caching)
    app.add_routes(
        [
            web.post("/auth/register", accounts.register),
            web.get("/auth/site", site.site),
            web.post("/auth/setup", links.set_up),
            web.post("/auth/invitations", links.invite),
            web.post("/auth/login", sessions.log_in),
            web.post("/auth/token", sessions.refresh),
            web.post("/auth/logout", sessions.log_out),
            web.post("/auth/logout/all", sessions.log_out_everywhere),
            web.post("/auth/logout/others", sessions.log_out_others),
            web.get("/auth/sessions", sessions.listed),
            web.delete("/auth/sessions/{id}", sessions.revoke),
            web.get("/auth/me", accounts.me),
            web.patch("/auth/me", accounts.edit_me),
            web.delete("/auth/me", accounts.delete_me),
            web.post("/auth/password", accounts.change_password),
            web.post("/auth/password/reset", links.reset_password),
            web.get("/.well-known/jwks.json", jwks.jwks),
            web.get("/auth/openapi.json", documents.document),
            web.get("/internal/changes", changes.changes),
        ]
    )


async def _forbid_caching(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Cache-Control", "no-store")
