import gc

import pytest

from tests.builders import batch, head, publication


def test_positions_are_equal_within_one_epoch_only() -> None:
    assert head(3) == head(3)
    assert head(3) != head(3, "e2")


def test_a_publication_cannot_be_changed_on_its_way() -> None:
    with pytest.raises(AttributeError):
        publication(1).data = b""  # type: ignore[misc]


def test_publications_are_no_work_for_the_garbage_collector() -> None:
    assert not gc.is_tracked(publication(1))


def test_a_batch_keeps_the_order_of_its_publications() -> None:
    assert [one.offset for one in batch("open", [1, 2]).publications] == [1, 2]
