"""An estimate is called one."""

from chat_gateway.commands.stats import _facts
from chat_gateway.store.stats import Count, Stats


def test_an_estimated_figure_says_about() -> None:
    stats = Stats(
        users=Count(12_000),
        rooms={"public": 3},
        archived=0,
        members=5,
        entries=Count(4_000_000, about=True),
        messages={"2026-03-08": 1_000},
        bytes=2_500_000,
        migration="0001",
        epoch="abcdefgh",
    )
    facts = dict(_facts(stats))
    assert (facts["users known"], facts["entries"]) == ("12,000", "about 4,000,000")
    assert (facts["messages 2026-03-08"], facts["database size"]) == ("1,000", "2.5 MB")
