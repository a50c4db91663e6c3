"""`stats`: one fact a line, or JSON for programs."""

import json

from tests.integration.chat_gateway.commands.conftest import Command


def test_each_fact_has_its_line(command: Command, people: tuple[str, str]) -> None:
    printed = command("stats")
    assert printed.status == 0, printed.err
    lines = [line.rsplit("  ", 1) for line in printed.out.splitlines()]
    facts = {name.strip(): value.strip() for name, value in lines}
    assert facts["users known"] == "2"
    assert (facts["public rooms"], facts["archived rooms"], facts["memberships"]) == ("1", "0", "2")
    assert facts["entries"] == "4"
    assert len([name for name in facts if name.startswith("messages 20")]) == 7
    assert facts["database size"].endswith(" MB")
    assert len(facts["epoch"]) == 8


def test_json_holds_the_same(command: Command, people: tuple[str, str]) -> None:
    stats = json.loads(command("stats", "--json").out)
    assert stats["users"] == {"number": 2, "about": False}
    assert stats["rooms"] == {"public": 1}
    assert stats["epoch"] in command("stats").out
