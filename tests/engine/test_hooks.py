"""Hook plugins: found, called, and left out with a word where they are broken."""

from __future__ import annotations

import io

import pytest

from stepengine.entry_points import EntryPoint
from stepengine.errors import TemplateError, UsageError
from stepengine.hooks.manager import Hooks

GOOD = """
from stepengine.plugin import ReferenceSource, Reporter

def stepengine_sources(environ, directory):
    data = {("answer",): environ["ANSWER"]}
    yield ReferenceSource("prefect.variables", "a test", data.__getitem__, lambda: list(data))

def stepengine_reporters():
    yield Reporter("count", lambda stream: lambda event: stream.write("."))
"""


@pytest.fixture
def hooks(tmp_path, monkeypatch):
    """Gives hooks over modules written for the test, and the list of what was warned of."""

    def make(own=(), **modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        warned: list[str] = []
        entries = [
            EntryPoint("stepengine", name, name, "stepengine 1.0" if name in own else f"dist-{name} 1.0")
            for name in modules
        ]
        return Hooks(entries, {"ANSWER": "42"}, str(tmp_path), warned.append), warned

    return make


def test_a_source_and_a_reporter_of_a_third_party_are_used(hooks):
    found, warned = hooks(good_one=GOOD)
    assert found.resolve("prefect.variables", ("answer",)) == "42"
    stream = io.StringIO()
    found.start("count", stream)(1)
    assert stream.getvalue() == "."
    assert warned == []


def test_a_plugin_that_fails_to_import_is_named_and_the_others_work(hooks):
    found, warned = hooks(broken_one="import no_such_module_at_all\n" + GOOD, good_two=GOOD)
    assert found.resolve("prefect.variables", ("answer",)) == "42"
    assert warned == [
        "the plugin broken_one of dist-broken_one 1.0 is left out: "
        "ModuleNotFoundError: No module named 'no_such_module_at_all'"
    ]


def test_a_plugin_that_hooks_an_unknown_name_is_named_and_left_out(hooks):
    found, warned = hooks(wrong_one="def stepengine_sorces(environ):\n    yield 1\n", good_three=GOOD)
    assert found.resolve("prefect.variables", ("answer",)) == "42"
    assert len(warned) == 1
    assert "there is no hook stepengine_sorces" in warned[0]
    assert "dist-wrong_one 1.0" in warned[0]


def test_what_no_source_has_is_told_with_a_near_miss(hooks):
    found, _ = hooks(good_four=GOOD)
    with pytest.raises(TemplateError) as raised:
        found.resolve("prefect.variables", ("answr",))
    assert raised.value.hint == "did you mean 'answer'?"


@pytest.mark.parametrize(
    ("namespace", "path", "told"),
    [
        ("prefect.variables", ("x",), """set STEPENGINE_VARIABLES='{"x": …}', or write it under 'variables:' in """),
        ("prefect.blocks", ("secret", "t"), """set STEPENGINE_BLOCKS='{"secret": {"t": {…}}}', or write it under """),
    ],
)
def test_what_no_source_has_is_told_with_the_ways_to_give_it(hooks, namespace, path, told):
    found, _ = hooks()
    with pytest.raises(TemplateError) as raised:
        found.resolve(namespace, path)
    assert told in raised.value.hint
    assert "STEPENGINE_BLOCKS_FILE" in raised.value.hint


def test_an_unknown_format_is_told(hooks):
    found, _ = hooks(good_five=GOOD)
    with pytest.raises(UsageError) as raised:
        found.start("cont", None)
    assert raised.value.hint == "did you mean 'count'?"


def test_an_implementation_may_take_fewer_arguments(hooks):
    found, warned = hooks(
        small="from stepengine.plugin import ReferenceSource\n"
        "def stepengine_sources():\n"
        "    yield ReferenceSource('prefect.variables', 'x', {('a',): 1}.__getitem__, list)\n"
    )
    assert found.resolve("prefect.variables", ("a",)) == 1
    assert warned == []


def test_a_source_that_raises_is_told_with_its_plugin(hooks):
    found, warned = hooks(
        failing="def stepengine_sources(environ, directory):\n    raise RuntimeError('no network')\n    yield\n"
    )
    with pytest.raises(TemplateError):
        found.resolve("prefect.variables", ("answer",))
    assert warned == ["the plugin failing of dist-failing 1.0 is left out: RuntimeError: no network"]


REPORTER = """
from stepengine.plugin import Reporter

def stepengine_reporters():
    yield Reporter("count", {start})
"""


def test_two_reporters_of_one_name_are_an_error_that_names_both(hooks):
    found, _ = hooks(rep_one=REPORTER.format(start="print"), rep_two=REPORTER.format(start="print"))
    with pytest.raises(UsageError, match=r"rep_one of dist-rep_one 1.0 and rep_two of dist-rep_two 1.0"):
        found.start("count", None)


@pytest.mark.parametrize("start", ["lambda stream: exit(0)", "lambda stream: 1 / 0", "None", "lambda stream: None"])
def test_a_reporter_that_cannot_start_is_an_error_that_names_its_plugin(hooks, start):
    name = f"start_{abs(hash(start))}"
    found, _ = hooks(**{name: REPORTER.format(start=start)})
    with pytest.raises(UsageError, match=f"the plugin {name} of dist-{name} 1.0"):
        found.start("count", None)


def test_what_is_no_record_is_left_out_with_a_word(hooks):
    found, warned = hooks(
        odd_one="def stepengine_sources():\n    yield 1\ndef stepengine_reporters():\n    yield 'x'\n", good_six=GOOD
    )
    assert found.resolve("prefect.variables", ("answer",)) == "42"
    assert callable(found.start("count", None))
    assert [line.partition(":")[0] for line in warned] == [
        "something of the plugin odd_one of dist-odd_one 1.0 is left out"
    ] * 2


@pytest.mark.parametrize("raised", ["SystemExit(0)", "GeneratorExit()", "ValueError('x')"])
def test_whatever_a_source_raises_is_told(hooks, raised):
    name = f"raises_{raised.partition('(')[0].lower()}"
    text = (
        "from stepengine.plugin import ReferenceSource\n"
        f"def fail(*_): raise {raised}\n"
        "def stepengine_sources():\n    yield ReferenceSource('prefect.variables', 'mine', fail, fail)\n"
    )
    found, _ = hooks(**{name: text})
    with pytest.raises(TemplateError, match="mine cannot give answer"):
        found.resolve("prefect.variables", ("answer",))


def test_the_formats_are_listed_once_each():
    from stepengine.entry_points import find_entry_points

    found = Hooks(find_entry_points(), {}, ".", lambda line: None)
    with pytest.raises(UsageError) as raised:
        found.start("zzzzzz", None)
    assert raised.value.hint == "there are: text, json"


OWN = """
from stepengine.plugin import ReferenceSource, Reporter

def stepengine_sources(environ, directory):
    yield ReferenceSource("prefect.variables", "ours", {("mine",): "own"}.__getitem__, list)

def stepengine_reporters():
    yield Reporter("count", lambda stream: lambda event: stream.write("own"))
"""
BROKEN = "raise RuntimeError('imported')\n" + OWN


def test_a_third_partys_plugin_is_not_imported_where_a_built_in_one_answers(hooks):
    found, warned = hooks(own=("own_one",), aaa_broken=BROKEN, own_one=OWN)
    assert found.resolve("prefect.variables", ("mine",)) == "own"
    stream = io.StringIO()
    found.start("count", stream)(1)
    assert stream.getvalue() == "own"
    assert warned == []


def test_a_third_partys_plugin_is_imported_where_no_built_in_one_answers(hooks):
    found, warned = hooks(own=("own_two",), own_two=OWN, broken_two=BROKEN, good_seven=GOOD)
    assert found.resolve("prefect.variables", ("answer",)) == "42"
    assert warned == ["the plugin broken_two of dist-broken_two 1.0 is left out: RuntimeError: imported"]
    with pytest.raises(TemplateError, match="there is no variable none") as raised:
        found.resolve("prefect.variables", ("none",))
    assert "looked in ours and a test" in raised.value.hint
    assert len(warned) == 1


COUNTING = """
from stepengine.plugin import ReferenceSource
asked = []

def lookup(path):
    asked.append(path)
    return {"list": [len(asked)], "map": {"n": len(asked)}, "text": str(len(asked))}[path[0]]

def stepengine_sources():
    yield ReferenceSource("prefect.variables", "a test", lookup, list)
    yield ReferenceSource("prefect.blocks", "a test", lookup, list)
"""


@pytest.mark.parametrize(("name", "first"), [("list", [1]), ("map", {"n": 1}), ("text", "1")])
def test_a_value_is_asked_for_once_and_nobody_changes_anothers(hooks, name, first):
    found, _ = hooks(**{f"counting_{name}": COUNTING})
    given = found.resolve("prefect.variables", (name,))
    assert given == first
    if name != "text":
        given.clear()
    assert found.resolve("prefect.variables", (name,)) == first
    assert found.resolve("prefect.blocks", (name,)) != first


def test_the_names_of_the_hooks_are_those_of_the_specifications():
    from stepengine.hooks import declared, specs

    assert set(declared.HOOK_NAMES) == {name for name in vars(specs) if name.startswith("stepengine_")}


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("def stepengine_sources(): ...\n", True),
        ("from .other import stepengine_sources\n", True),
        ("stepengine_sources = make('sources')\n", True),
        ("from .other import *\n", True),
        ("def stepengine_reporters(): ...\n", False),
        ("", False),
    ],
)
def test_a_modules_text_tells_whether_it_may_have_a_hook(tmp_path, monkeypatch, text, has):
    from stepengine.hooks.declared import Declared

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"telling_{abs(hash(text))}.py").write_text(text)
    assert Declared(f"telling_{abs(hash(text))}").may_have("stepengine_sources") is has


@pytest.mark.parametrize("target", ["no_such_module_here", "sys", "json.no_such", "math:thing"])
def test_a_module_without_text_may_have_any_hook(target):
    from stepengine.hooks.declared import Declared

    declared = Declared(target)
    assert declared.may_have("stepengine_sources")
    assert declared.unknown() == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("def stepengine_sorces(): ...\n", ["stepengine_sorces"]),
        ("async def stepengine_x(): ...\n", ["stepengine_x"]),
        ("import stepengine_plugins\nfrom a import stepengine_thing\n", []),
        ("class A:\n    def stepengine_x(self): ...\n", []),
        ("def stepengine_sources(): ...\n", []),
    ],
)
def test_a_modules_text_tells_of_hooks_that_do_not_exist(tmp_path, monkeypatch, text, unknown):
    from stepengine.hooks.declared import Declared

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"unknown_{abs(hash(text))}.py").write_text(text)
    assert Declared(f"unknown_{abs(hash(text))}").unknown() == unknown


WITHOUT_DEPTH = """
from stepengine.plugin import ReferenceSource
given = {"a": {"b": [1, 2]}}
asked = []

def lookup(path):
    asked.append(path)
    value = given
    for part in path:
        value = value[part]
    return value

def stepengine_sources():
    yield ReferenceSource("first", "one", {("x",): 1}.__getitem__, list, depth=1)
    yield ReferenceSource("first", "two", {("y",): {"z": 2}}.__getitem__, list, depth=1, secret=False)
    yield ReferenceSource("whole", "all", lookup, lambda: [("a", "b")])
"""


def test_several_sources_of_a_namespace_are_asked_in_order_each_in_its_own_way(hooks):
    found, _ = hooks(several=WITHOUT_DEPTH)
    assert found.namespaces() == ["first", "whole"]
    first, whole = found.namespace("first"), found.namespace("whole")
    assert first(("x",)) == (1, True)
    assert first(("y", "z")) == (2, False)
    assert whole(("a", "b", 1)) == (2, True)
    assert found.namespace("other") is None
    assert found.namespace("prefect") is None


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        (("a", "c"), "there is no whole.a.c", "did you mean whole.a.b?"),
        (("a", "b", 7), "there is no whole.a.b[7]", "did you mean whole.a.b?"),
    ],
)
def test_what_a_source_of_whole_paths_lacks_is_told(hooks, path, message, hint):
    found, _ = hooks(lacking=WITHOUT_DEPTH)
    with pytest.raises(TemplateError) as raised:
        found.namespace("whole")(path)
    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_what_a_step_changes_of_a_value_is_not_what_others_get(hooks):
    found, _ = hooks(changed=WITHOUT_DEPTH)
    whole = found.namespace("whole")
    whole(("a",))[0]["b"].clear()
    assert whole(("a",))[0] == {"b": [1, 2]}
