from chat_gateway.realtime.refusals import REFUSED, Reason, refused
from tests.counters import counted


def test_every_reason_is_there_before_anything_is_refused() -> None:
    shown = {sample.labels["reason"] for metric in REFUSED.collect() for sample in metric.samples}
    assert shown == {reason.value for reason in Reason}


def test_a_refusal_counts_for_its_reason_alone() -> None:
    before = {reason: counted(reason) for reason in Reason}
    refused(Reason.TYPING)
    after = {reason: counted(reason) for reason in Reason}
    assert {reason for reason in Reason if after[reason] != before[reason]} == {Reason.TYPING}
    assert after[Reason.TYPING] == before[Reason.TYPING] + 1
