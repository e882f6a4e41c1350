"""What holds for every text, call and input: it comes back as it was."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.document.parser import parse_document
from stepengine.secrecy.secrets import Secrets
from stepengine.testing.cassette_file import Call, PullSite, Recording, decode, encode
from stepengine.testing.given import step_file
from stepengine.testing.matching import differences, keepable
from stepengine.testing.portable import Portable

PATHS = {"root": "/tmp/a b", "project": "/tmp/a b/project", "pull": "/var/x.y"}
pieces = st.lists(
    st.sampled_from(["<", "<<", ">", "project", "root", "pull", "x", "/", "-", *PATHS.values()]) | st.text(max_size=3)
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
calls = st.builds(
    Call,
    step=st.text(),
    inputs=st.dictionaries(st.text(), data, max_size=3),
    outputs=data.filter(lambda value: value not in ({}, [], "")),
    printed=st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text()), max_size=5).map(tuple),
    warnings=st.lists(st.text(), max_size=3).map(tuple),
    directory=st.text(),
    environ=st.dictionaries(st.text(min_size=1), st.none() | st.text(), max_size=3),
    failure=st.none() | st.fixed_dictionaries({"message": st.text()}),
)


@given(pieces.map("".join))
def test_a_text_comes_back_from_its_portable_form(text):
    portable = Portable(PATHS)
    assert portable.read(portable.write(text)) == text


def test_a_portable_form_is_that_machines_path_elsewhere():
    elsewhere = Portable({"root": "C:\\t", "project": "C:\\t\\project", "pull": "D:\\q"})
    assert elsewhere.read(Portable(PATHS).write("cat '/tmp/a b/project'")) == "cat 'C:\\t\\project'"


def test_the_longer_path_counts_and_names_that_only_begin_alike_stay():
    portable = Portable(PATHS)
    assert portable.write("/tmp/a b/project/x") == "<project>/x"
    assert portable.write("/tmp/a b/projects") == "<root>/projects"
    assert portable.write("/tmp/a bc") == "/tmp/a bc"
    assert portable.write("see <project>") == "see <<project>"


@pytest.mark.parametrize(("name", "text"), [("a b", "x"), ("", "x"), ("a", ""), ("a", "x<y")])
def test_what_cannot_be_written_by_name_is_refused(name, text):
    with pytest.raises(ValueError, match=r"is no name|cannot be written"):
        Portable({}).add(name, text)


@given(
    st.lists(calls, max_size=3).map(tuple),
    st.lists(st.builds(PullSite, st.text(), st.none() | st.text(), st.text()), max_size=2).map(tuple),
)
def test_a_recording_comes_back_from_its_file(kept, sites):
    recording = Recording(kept, sites)
    assert decode(encode(recording), "cassette.json") == recording


@given(st.dictionaries(st.text(), data, max_size=4))
def test_a_call_is_the_one_that_was_recorded_of_it(inputs):
    secrets, portable = Secrets(), Portable(PATHS)
    kept = keepable(inputs, secrets, portable)
    assert list(differences(json.loads(json.dumps(kept)), keepable(inputs, secrets, portable))) == []


@given(st.dictionaries(st.text(), data, max_size=4), st.text(min_size=1), scalars)
def test_any_other_value_is_told(inputs, name, value):
    plain = {key: item for key, item in inputs.items() if "***" not in json.dumps(item)}
    changed = {**plain, name: value}
    different = json.dumps(plain.get(name, "absent"), sort_keys=True) != json.dumps(value) or name not in plain
    told = list(differences(plain, changed))
    if name in plain and plain[name] == value:
        assert len(told) == (isinstance(plain[name], bool) != isinstance(value, bool))
    else:
        assert different
        assert [line.split(":")[0] for line in told] == [name.split(":")[0]] or isinstance(
            plain.get(name), (dict, list)
        )


def parsed(text):
    document = parse_document(text)
    assert document.parsed, text
    return document.root.value["build"][0]["a_step"]


@given(st.dictionaries(st.text(), data, max_size=4))
def test_a_single_steps_inputs_are_what_the_test_gave(inputs):
    assert parsed(step_file("build", "a_step", inputs)) == {"id": "step", **inputs}


@pytest.mark.parametrize(
    "value", [1e16, 1e-7, 1.5e300, -0.0, math.inf, -math.inf, "\x7f\x85\u2028\ufeff😀", "k" * 2000]
)
def test_odd_values_are_what_the_test_gave(value):
    assert parsed(step_file("build", "a_step", {"x": value, "y": {str(value): [value]}}))["y"] == {str(value): [value]}
