"""A batch of plain checks passes by the serializer: only what the serializer would take just so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.api.serializers import MOST_CHECKS, BatchSerializer, are_plain

PLAIN = {"user": "bob", "action": "read", "resource": "nodes:7", "attributes": {"region": "eu"}}

values = st.one_of(
    st.sampled_from(
        ["", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 256, "x" * 257, "\x00", "\ud800", " "]
    ),
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(
        st.text(max_size=3), st.none() | st.integers() | st.lists(st.none(), max_size=1), max_size=2
    ),
)
checks = st.one_of(
    values, st.dictionaries(st.sampled_from(["user", "action", "resource", "attributes", "more"]), values)
)


@given(st.lists(st.one_of(st.just(PLAIN), checks), max_size=3))
def test_what_is_plain_the_serializer_takes_as_it_stands(batch: list[Any]) -> None:
    if not are_plain(batch):
        return
    serializer = BatchSerializer(data={"checks": batch})
    assert serializer.is_valid(), serializer.errors
    fields = ("user", "action", "resource", "attributes")
    assert serializer.validated_data["checks"] == [
        {name: check[name] for name in fields if name in check} for check in batch
    ]


@pytest.mark.parametrize("name", PLAIN)
def test_a_check_with_a_part_of_the_wrong_kind_is_not_plain(name: str) -> None:
    assert are_plain([PLAIN])
    assert not are_plain([PLAIN, PLAIN | {name: 5}])


def test_as_many_are_plain_as_may_be_asked() -> None:
    assert are_plain([PLAIN] * MOST_CHECKS)
    assert not are_plain([PLAIN] * (MOST_CHECKS + 1))
    assert not are_plain([])
