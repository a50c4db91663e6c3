from chat_gateway.core.ports import Page
from tests.builders import entry


def test_a_page_says_of_which_log_it_is() -> None:
    page = Page(entries=(entry(),), head=7, epoch="e1")
    assert page == Page(entries=(entry(),), head=7, epoch="e1")
    assert page != Page(entries=(entry(),), head=7, epoch="e2")
