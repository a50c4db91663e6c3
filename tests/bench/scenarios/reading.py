"""Reading what was said: pages of a long room's history, and search in a million messages."""

from collections.abc import Iterator, Mapping
from functools import partial

from tests.bench.harness import Measured, Place
from tests.bench.load.client import LoadClient
from tests.bench.parley import Parley
from tests.bench.processes import cpu_seconds
from tests.bench.scenario import Reading, Scenario, Step
from tests.bench.search_corpus import LAYOUT, corpus, words
from tests.bench.seeds import Layout, call
from tests.bench.servers import Client

_MESSAGES = 100_000
_PAGES = Layout(clients=1, messages=_MESSAGES)
_IN_FLIGHT = 4
_SECONDS = 2


def scenarios(*, quick: bool) -> list[Scenario]:
    found = 100_000 if quick else 1_000_000
    return [
        Scenario(
            name="history paging",
            meaning=f"Pages of 50 messages of a room with {_MESSAGES:,}, by rpc, {_IN_FLIGHT} requests in flight.",
            steps=[Step("Parley", 12, _pages)],
        ),
        Scenario(
            name=f"search in {found:,} messages",
            meaning=f"By rpc, {_IN_FLIGHT} requests in flight, SQLite, with the index of the product.",
            steps=[Step("Parley", 25, partial(_search, found))],
        ),
    ]


def _pages(place: Place) -> Iterator[Reading]:
    places = {"newest": _MESSAGES + 1, "middle": _MESSAGES // 2, "oldest": 51}
    commands = {
        case: call("history.page", room=_PAGES.room(0), before=before, limit=50) for case, before in places.items()
    }
    yield from _asked(place, Parley(layout=_PAGES), commands)


def _search(messages: int, place: Place) -> Iterator[Reading]:
    vocabulary = words()
    queries = {
        "frequent word": vocabulary[0],
        "rare word": vocabulary[-1],
        "two words": f"{vocabulary[0]} {vocabulary[1000]}",
        "beginning of a word": vocabulary[1000][:4],
    }
    commands = {case: call("search.messages", query=query) for case, query in queries.items()}
    yield from _asked(place, Parley(layout=LAYOUT, seeded=corpus(messages, place.kept)), commands)


def _asked(place: Place, parley: Parley, commands: Mapping[str, str]) -> Iterator[Reading]:
    """Have one client of the layout ask each command for some seconds, over and over."""
    folder, hello = place.fresh(), parley.laid_out(1).hello(0)
    with parley.site(folder, 1) as site:
        gateway = site.gateways[0]
        for case, command in commands.items():
            with LoadClient(place.load, folder, gateway, parley.dialect) as load:
                load.start([Client(hello, command)])
                load.connect(1)
                load.ask(f"burst {_IN_FLIGHT}")
                before = cpu_seconds(gateway.processes)
                answer = load.ask(f"closed {_SECONDS} {_IN_FLIGHT}")
                measured = Measured(answer, cpu_seconds(gateway.processes) - before)
            yield Reading(case, 0, _figures(measured))


def _figures(measured: Measured) -> dict[str, float]:
    answer = measured.answer
    return {
        "answers/s": answer.acks / answer.seconds,
        "us/answer": measured.cpu_us_per(answer.acks),
        "p50 ms": answer.ack_p50_us / 1000,
        "p99 ms": answer.ack_p99_us / 1000,
        "refused": answer.errors,
    }
