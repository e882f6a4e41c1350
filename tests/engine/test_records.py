"""Records are named tuples in all that the engine and its users see of them."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.records import Record


class Point(Record):
    """A record with all that one may have."""

    x: int
    y: Any
    label: str = "here"

    @property
    def total(self):
        return self.x + self.y


class Model(NamedTuple):
    x: int
    y: Any
    label: str = "here"


def test_fields_are_given_in_order_by_name_or_by_default():
    assert Point(1, 2, "there") == Point(x=1, y=2, label="there") == Point(1, label="there", y=2) == (1, 2, "there")
    assert Point(1, 2).label == "here"
    assert Point(1, 2).total == 3


calls = st.tuples(
    st.lists(st.integers(), max_size=4), st.dictionaries(st.sampled_from(["x", "y", "label", "z"]), st.integers())
)


@given(calls)
def test_a_record_takes_and_refuses_what_a_named_tuple_does(call):
    values, named = call
    try:
        expected = Model(*values, **named)
    except TypeError:
        with pytest.raises(TypeError, match="Point"):
            Point(*values, **named)
    else:
        made = Point(*values, **named)
        assert made == expected
        assert made._asdict() == expected._asdict()
        assert repr(made) == repr(expected).replace("Model", "Point")
        assert hash(made) == hash(expected)


def test_replace_gives_a_copy_and_refuses_other_names():
    point = Point(1, 2)
    assert point._replace(y=5, label="away") == (1, 5, "away")
    assert point == (1, 2, "here")
    with pytest.raises(TypeError, match="Point has no z"):
        point._replace(z=1)


def test_a_record_is_made_of_all_its_values_and_knows_its_defaults():
    assert Point._make([1, 2, "there"]) == Point(1, 2, "there")
    assert type(Point._make(iter((1, 2, 3)))) is Point
    assert Point._field_defaults == Model._field_defaults
    assert Point._fields == Model._fields
    for values in ([], [1, 2], [1, 2, 3, 4]):
        with pytest.raises(TypeError):
            Model._make(values)
        with pytest.raises(TypeError, match=f"Point takes 3 values, not {len(values)}"):
            Point._make(values)


def test_a_record_is_replaced_as_the_standard_library_does():
    replace = getattr(copy, "replace", lambda record, **changes: record.__replace__(**changes))
    assert replace(Point(1, 2), y=5) == (1, 5, "here")
    assert type(replace(Point(1, 2), y=5)) is Point


def test_a_record_does_not_change_and_holds_nothing_else():
    point = Point(1, 2)
    with pytest.raises(AttributeError):
        point.x = 5
    with pytest.raises(AttributeError):
        point.other = 5
    assert sys.getsizeof(point) == sys.getsizeof(Model(1, 2))


def test_records_are_copied_pickled_matched_and_written_as_json():
    point = Point(1, [2])
    for copied in (pickle.loads(pickle.dumps(point)), copy.deepcopy(point), copy.copy(point)):
        assert copied == point
        assert type(copied) is Point
    assert json.loads(json.dumps(point)) == [1, [2], "here"]
    match point:
        case Point(x, [y], label):
            assert (x, y, label) == (1, 2, "here")
        case _:
            pytest.fail("a record matches by its fields' order")
