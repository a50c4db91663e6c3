"""Lets time pass for the rows of a test: the database's clock cannot be moved, so everything in it grows older."""

from sqlalchemy import text

from auth_service.store.database import Database

_COLUMNS = {
    "refresh_token": ("exchanged_at",),
    "session": ("started_at", "last_used_at", "ended_at"),
    "change": ("changed_at",),
    "device": ("seen_at",),
    "link": ("expires_at",),
    "signing_key": ("created_at", "signs_from"),
}


async def age_everything(database: Database, seconds: float) -> None:
    async with database._engine.begin() as connection:
        for table, columns in _COLUMNS.items():
            aged = ", ".join(f"{column} = {column} - {int(seconds * 1000)}" for column in columns)
            await connection.execute(text(f"UPDATE {table} SET {aged}"))
