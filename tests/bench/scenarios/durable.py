"""Posts that are answered after their commit, each with ten receivers, on both databases; beside them a bare commit."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from statistics import median

import asyncpg

from tests.bench.databases import Database, DatabaseKind, database
from tests.bench.harness import Place, started
from tests.bench.parley import Parley
from tests.bench.scenario import Plot, Reading, Scenario, Step
from tests.bench.seeds import Layout

_LAYOUT = Layout(clients=500, rooms=50, members=10)
_WINDOWS = (1, 16, 256)
_COMMITS = 300
_KINDS: tuple[DatabaseKind, ...] = ("SQLite", "PostgreSQL")


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            name="durable posts",
            meaning="500 clients in 50 rooms of 10 post by rpc, so many posts in flight; answered after the commit."
            " PostgreSQL and Valkey have the load client's core.",
            steps=[step for kind in _KINDS for step in _steps(kind)],
            plots=[Plot("posts/s", "posts in flight")],
        )
    ]


def _steps(kind: DatabaseKind) -> list[Step]:
    return [
        Step(f"Parley, {kind}", 10, partial(_measure, kind)),
        Step(f"bare commit, {kind}", 3, partial(_bare, kind)),
    ]


def _measure(kind: DatabaseKind, place: Place) -> Iterator[Reading]:
    with started(place, Parley(database=kind, layout=_LAYOUT), _LAYOUT.clients, _LAYOUT.clients) as bench:
        for window in _WINDOWS:
            measured = bench.measure(f"closed 2 {window}")
            answer = measured.answer
            figures = {
                "posts/s": answer.acks / answer.seconds,
                "us/post": measured.cpu_us_per(answer.acks),
                "answer p50 ms": answer.ack_p50_us / 1000,
                "answer p99 ms": answer.ack_p99_us / 1000,
                "delivery p50 ms": answer.delivery_p50_us / 1000,
            }
            yield Reading(f"{window} in flight", window, figures)


def _bare(kind: DatabaseKind, place: Place) -> Iterator[Reading]:
    commits = {"SQLite": _sqlite_commits, "PostgreSQL": _postgres_commits}[kind]
    with database(kind, place.fresh()) as stored:
        times = commits(stored)
    figures = {"posts/s": 1 / median(times), "answer p50 ms": median(times) * 1000}
    yield Reading("1 in flight", 1, figures)


def _sqlite_commits(stored: Database) -> list[float]:
    with closing(sqlite3.connect(stored.url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        insert = "INSERT INTO log (id) VALUES (?)"
        times = []
        for n in range(_COMMITS):
            began = time.perf_counter()
            connection.execute(insert, (f"bare:{n}",))
            times.append(time.perf_counter() - began)
        return times


def _postgres_commits(stored: Database) -> list[float]:
    async def commits() -> list[float]:
        connection = await asyncpg.connect(stored.url)
        times = []
        for n in range(_COMMITS):
            began = time.perf_counter()
            await connection.execute("INSERT INTO log (id) VALUES ($1)", f"bare:{n}")
            times.append(time.perf_counter() - began)
        await connection.close()
        return times

    return asyncio.run(commits())
