from shared import events


def test_doorbell_has_a_name_both_services_know() -> None:
    assert events.DOORBELL == "parley:changes"
