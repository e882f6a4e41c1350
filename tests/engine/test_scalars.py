"""Plain scalars mean what they mean to Prefect's loader, PyYAML: value and type."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from stepengine.document.scalars import MAX_DIGITS, resolve_plain


def by_pyyaml(text):
    """Give PyYAML's value of an unquoted text, or its exception."""
    try:
        loader = yaml.SafeLoader("")
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError) as error:
        return error


def same(left, right):
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return type(left) is type(right) and left == right and getattr(left, "tzinfo", 0) == getattr(right, "tzinfo", 0)


def check(text):
    expected = by_pyyaml(text)
    try:
        found = resolve_plain(text)
    except ValueError:
        assert isinstance(expected, Exception), (text, expected)
    else:
        assert same(found, expected), (text, found, expected)


@pytest.mark.parametrize(
    "text",
    [
        *("", "~", "null", "Null", "NULL", "nULL", "none", "None"),
        *("true", "True", "TRUE", "tRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", "t"),
        *("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"),
        *(
            "0",
            "-0",
            "+0",
            "1",
            "-1",
            "+1",
            "1_000",
            "_1",
            "1_",
            "1__0",
            "00",
            "007",
            "08",
            "0o7",
            "0O7",
            "010",
            "-010",
        ),
        *("0x1F", "0X1F", "0xfg", "-0xff", "0x_", "0x_1", "0b101", "0b102", "-0b1", "0b_", "0b0_"),
        *("1:30", "1:60", "1:5", "01:30", "-1:30", "1:30:15", "1:30:15.5", "190:20:30.15", "1:3_0", "24:00"),
        *(
            "1.",
            "1.0",
            ".5",
            "-.5",
            "+.5",
            "1.5e3",
            "1.5e+3",
            "1.5E-3",
            "1e3",
            "1e+3",
            "1_0.5",
            "1._5",
            "._5",
            ".",
            "-.",
        ),
        *(".inf", "-.inf", "+.Inf", ".INF", ".iNF", ".nan", ".NaN", ".NAN", "-.nan", "inf", "nan"),
        *("2024-01-01", "2024-1-1", "2024-13-01", "2024-02-30", "2024-01-01 ", "0000-01-01", "20240101", "2024-01"),
        *("2024-01-01T10:20:30", "2024-1-1 1:02:03", "2024-01-01t10:20:30Z", "2024-01-01 10:20:30 Z"),
        *("2024-01-01 10:20:30.5", "2024-01-01 10:20:30.", "2024-01-01 10:20:30.1234567", "2024-01-01T10:20"),
        *("2024-01-01 10:20:30 +1", "2024-01-01 10:20:30+01:30", "2024-01-01 10:20:30 -0530", "2024-01-01 10:20:30-5"),
        *("2024-01-01 10:20:30 +99:00", "2024-01-01 25:00:00", "2024-01-01\t10:20:30", "2024-01-01  10:20:30"),
        *("prefect", "3.8.8", "1.10", "v1", "-", "--", "+", "1-2", "1 2", "١٢", "latest", "sha-0123"),
    ],
)
def test_a_scalar_has_the_value_and_the_type_that_it_has_in_prefect(text):
    check(text)


LOOKS = st.one_of(
    st.text("0123456789+-._:eExXobBtTzZ aAfFinN~", max_size=12),
    st.from_regex(r"[-+]?[0-9_]{1,4}(:[0-9]{1,2}){0,3}(\.[0-9_]{0,4})?([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ] ?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,8})?( ?(Z|[-+][0-9]{1,2}(:?[0-9]{2})?))?)?",
        fullmatch=True,
    ),
    st.sampled_from(["true", "no", "null", ".inf", ".nan"]).flatmap(
        lambda word: st.sampled_from([word, word.upper(), word.title()])
    ),
)


@given(LOOKS)
@example("0_:0")
@example("190:20:30.15")
@example("1:1:1:1.1")
@example("2024-01-01 10:20:30 +0530")
def test_whatever_looks_like_a_number_or_a_date_is_read_as_pyyaml_reads_it(text):
    check(text)


def test_dates_and_times_keep_their_zone():
    assert resolve_plain("2024-05-06") == dt.date(2024, 5, 6)
    found = resolve_plain("2024-05-06 07:08:09.5 -05:30")
    assert found.utcoffset() == -dt.timedelta(hours=5, minutes=30)
    assert found.microsecond == 500_000
    assert resolve_plain("2024-05-06T07:08:09Z").tzinfo is dt.timezone.utc
    assert resolve_plain("2024-05-06T07:08:09").tzinfo is None


@pytest.mark.parametrize("text", ["1" * (MAX_DIGITS + 1), "0x" + "f" * MAX_DIGITS])
def test_a_number_of_more_digits_than_python_prints_is_refused(text):
    # On purpose: PyYAML takes a hexadecimal one, which then cannot be shown.
    with pytest.raises(ValueError, match="more than 1000 digits"):
        resolve_plain(text)


@pytest.mark.parametrize(("text", "reason"), [("0x_", "no digits"), ("2024-13-01", "month must be in")])
def test_what_has_the_form_of_a_number_or_a_date_and_is_none_is_told(text, reason):
    with pytest.raises(ValueError, match=reason):
        resolve_plain(text)
