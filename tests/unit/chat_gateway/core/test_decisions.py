from chat_gateway.core import changes
from chat_gateway.core.changes import Arrival, Change, Leave, Post
from chat_gateway.core.decisions import RULES, decide, question
from chat_gateway.core.effects import Effects
from tests.unit.chat_gateway.core.standing import ANN, asked, facts, who


def test_every_change_but_a_post_has_its_rule() -> None:
    kinds = {kind for kind in vars(changes).values() if isinstance(kind, type) and issubclass(kind, Change)}
    assert kinds - {Change, Arrival, Post} == RULES.keys()


def test_a_change_is_decided_by_the_rule_of_its_kind() -> None:
    change = asked(Leave)
    assert question(change).departure
    assert isinstance(decide(change, facts(who(ANN, "member"))), Effects)
