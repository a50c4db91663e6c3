"""The epoch of the logs: the name under which offsets compare. Gateways read it again with every look at heads."""

from sqlalchemy import select

from chat_gateway.store.database import Database
from chat_gateway.store.tables import epoch

LENGTH = 8
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class Epochs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self) -> str:
        async with self._database.statement() as connection:
            return str((await connection.execute(select(epoch.c.epoch))).scalar_one())

    async def replace(self, fresh: str) -> None:
        """Name the logs anew: no offset that anybody holds means anything from then on."""
        await self._database.write(("UPDATE epoch SET epoch = :epoch", [{"epoch": fresh}]))
