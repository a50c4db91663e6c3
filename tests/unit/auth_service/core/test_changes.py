from auth_service.core.changes import ChangesPage


def test_page_is_a_value() -> None:
    assert ChangesPage([], 5, more=False) == ChangesPage([], 5, more=False)
