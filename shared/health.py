"""Health: alive (the process answers) and ready (nothing named stands in the way).

Reasons come two ways: `block` and `clear` for what the service knows by itself, `add` for what has to be asked (a
database). Redis is never a reason. The port for
operations serves /livez, /readyz and /metrics; it is not reachable from outside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Awaitable[str | None]]

_CHECK_SECONDS = 2.0


class Health:
    """Named reasons for not being ready. Every check starts as a reason until it was asked once."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._reasons: dict[str, str] = {}

    @property
    def ready(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> Mapping[str, str]:
        return dict(self._reasons)

    def block(self, name: str, reason: str) -> None:
        self._reasons[name] = reason

    def clear(self, name: str) -> None:
        self._reasons.pop(name, None)

    def add(self, name: str, check: Check) -> None:
        """A check answers None, or the reason as a sentence; it may raise or hang, that is a reason too."""
        self._checks[name] = check
        self.block(name, "not checked yet")

    async def refresh(self) -> bool:
        """Asks every check again, side by side, and answers whether nothing stands in the way."""
        await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
        return self.ready

    async def _ask(self, name: str, check: Check) -> None:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                reason = await check()
        except TimeoutError:
            reason = f"no answer within {_CHECK_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001 -- a broken check is an unready service, not a broken page
            structlog.get_logger(__name__).warning("health.check_failed", check=name, error=type(error).__name__)
            reason = "the check failed, see the log"
        if reason is None:
            self.clear(name)
        else:
            self.block(name, reason)


def ops_application(health: Health) -> web.Application:
    """The operations port: /livez, /readyz with reasons, /metrics."""

    async def livez(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        is_ready = await health.refresh()
        body = {"status": "ready" if is_ready else "not ready", "reasons": health.reasons}
        return web.Response(
            body=msgspec.json.encode(body), status=200 if is_ready else 503, content_type="application/json"
        )

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
