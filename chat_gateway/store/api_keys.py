"""The API keys of back ends and bots; what is stored of a key's secret is its hash."""

import json
from typing import Any

from sqlalchemy import Row, select
from typing_extensions import override

from chat_gateway.core import ports
from chat_gateway.core.api_keys import ApiKey, Scope
from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.store.database import Database
from chat_gateway.store.tables import api_key

_ADD = (
    "INSERT INTO api_key (id, secret_hash, name, user_id, rooms, verbs, created_at)"
    " VALUES (:id, :secret_hash, :name, :user_id, :rooms, :verbs, :created_at)"
)
_REVOKE = "UPDATE api_key SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"


class ApiKeys(ports.ApiKeys):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> ApiKey | None:
        """Answer the key whose hash this is, as long as it is not revoked."""
        query = select(api_key).where(api_key.c.secret_hash == digest, api_key.c.revoked_at.is_(None))
        async with self._database.statement() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _key(row)

    @override
    async def all(self) -> list[ApiKey]:
        async with self._database.statement() as connection:
            rows = await connection.execute(select(api_key).order_by(api_key.c.created_at, api_key.c.id))
            return [_key(row) for row in rows]

    @override
    async def add(self, key: ApiKey, digest: str) -> None:
        row = {
            "id": key.id,
            "secret_hash": digest,
            "name": key.name,
            "user_id": key.user,
            "rooms": json.dumps(key.scope.rooms),
            "verbs": json.dumps(key.scope.verbs),
            "created_at": key.created_at,
        }
        await self._database.write((_ADD, [row]))

    @override
    async def revoke(self, key_id: str, *, now: int) -> None:
        await self._database.write((_REVOKE, [{"id": key_id, "now": now}]))


def _key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        user=UserId(row.user_id),
        scope=Scope(tuple(json.loads(row.verbs)), tuple(RoomId(room) for room in json.loads(row.rooms))),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
