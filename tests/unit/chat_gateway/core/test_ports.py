from chat_gateway.core.history import Item
from chat_gateway.core.ports import Page
from tests.builders import entry


def test_a_page_says_of_which_log_it_is() -> None:
    page = Page(items=(Item(entry=entry()),), head=7, epoch="e1")
    assert page == Page(items=(Item(entry=entry()),), head=7, epoch="e1")
    assert page != Page(items=(Item(entry=entry()),), head=7, epoch="e2")


def test_a_page_gives_its_bare_entries() -> None:
    assert Page(items=(Item(entry=entry()),), head=7, epoch="e1").entries == (entry(),)
