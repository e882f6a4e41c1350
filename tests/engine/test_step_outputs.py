"""A step's outputs, read from its return annotation: the same from its source, and once it is imported."""

from __future__ import annotations

import importlib
import itertools
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.catalogue.example import example_of
from stepengine.catalogue.input_types import mismatch
from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import REQUIRED, Input, StepSpec, spec_of
from stepengine.catalogue.step_options import StepOptions
from stepengine.document.parser import parse_document

TYPED = "from typing import *\nfrom typing import TypedDict, ClassVar, NamedTuple\n"
DATA = "import dataclasses\nfrom dataclasses import dataclass, InitVar\nfrom typing import ClassVar\n"

numbers = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module; gives what reading it tells of its function `make`, and what importing it tells."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(text, **others):
        name = f"outputs_{next(numbers)}"
        for other, content in others.items():
            (tmp_path / f"{other}.py").write_text(content)
            written.append(other)
        (tmp_path / f"{name}.py").write_text(text)
        written.append(name)
        read = Registry(str(tmp_path)).find(f"{name}.make")
        script = Registry(str(tmp_path)).find(f"{name}.py:make")
        assert script.options.outputs == read.options.outputs
        imported = spec_of(importlib.import_module(name).make, "make", f"{name}:make")
        return read, imported

    yield write
    for name in written:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        (f"{TYPED}class Out(TypedDict):\n    a: int\n    b: str\ndef make() -> Out: ...", ("a", "b")),
        (f"{TYPED}class Out(TypedDict):\n    a: int\ndef make() -> 'Out': ...", ("a",)),
        (f"{TYPED}class Out(TypedDict):\n    a: int\nasync def make() -> Out: ...", ("a",)),
        (f"{TYPED}class A(TypedDict):\n    a: int\nclass B(A):\n    b: int\ndef make() -> B: ...", ("a", "b")),
        (f"{TYPED}class Out(TypedDict, total=False):\n    a: int\ndef make() -> Out: ...", None),
        (f"{DATA}@dataclass\nclass Out:\n    a: int\n    b: str = ''\ndef make() -> Out: ...", ("a", "b")),
        (f"{DATA}@dataclasses.dataclass(frozen=True)\nclass Out:\n    a: int\ndef make() -> Out: ...", ("a",)),
        (f"{DATA}@dataclass\nclass Out:\n    a: int\n    b: ClassVar[int] = 1\ndef make() -> Out: ...", ("a",)),
        (f"{DATA}@dataclass\nclass Out:\n    a: int\n    b: InitVar[int]\ndef make() -> Out: ...", ("a",)),
        (
            f"{DATA}class P:\n    p: int\n@dataclass\nclass A(P):\n    a: int\n@dataclass\nclass B(A):\n    b: int\n"
            "def make() -> B: ...",
            ("a", "b"),
        ),
        ("class Out:\n    a: int\ndef make() -> Out: ...", None),
        ("def make() -> dict[str, str]: ...", None),
        ("def make() -> None: ...", None),
        ("def make() -> int: ...", None),
        ("def make() -> 'missing': ...", None),
        ("def make(): ...", None),
        (
            "from stepengine.plugin import step\nfrom dataclasses import dataclass\n@dataclass\nclass Out:\n    a: int\n"
            "@step(outputs=['x'])\ndef make() -> Out: ...",
            ("x",),
        ),
        (
            "from stepengine.plugin import step\nfrom dataclasses import dataclass\n@dataclass\nclass Out:\n    a: int\n"
            "@step(phase='worker')\ndef make() -> Out: ...",
            ("a",),
        ),
    ],
)
def test_a_class_of_the_module(module, text, outputs):
    read, imported = module(text)
    assert read.options.outputs == imported.options.outputs == outputs
    assert read.options.phase == imported.options.phase


def test_a_key_that_need_not_be_there_makes_the_outputs_unknown(module):
    text = f"from __future__ import annotations\n{TYPED}try:\n    from typing import NotRequired\n"
    text += "except ImportError:\n    NotRequired = list\n"
    read, imported = module(f"{text}class Out(TypedDict):\n    a: int\n    b: NotRequired[str]\ndef make() -> Out: ...")
    assert read.options.outputs is imported.options.outputs is None


SHAPES = f"{DATA}@dataclass\nclass Out:\n    a: int\n"


@pytest.mark.parametrize(
    "text",
    [
        "from shapes_a import Out\ndef make() -> Out: ...",
        "from shapes_a import Out as Other\ndef make() -> Other: ...",
        "import shapes_a\ndef make() -> shapes_a.Out: ...",
        "import shapes_a as s\ndef make() -> s.Out: ...",
        "from shapes_b import Out\ndef make() -> Out: ...",
    ],
)
def test_a_class_of_another_module(module, text):
    read, imported = module(text, shapes_a=SHAPES, shapes_b="from shapes_a import Out\n")
    assert read.options.outputs == imported.options.outputs == ("a",)
    assert read.result == imported.result == "shapes_a:Out"


def test_a_class_that_only_type_checkers_import_is_read(module):
    text = "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
    text += "if TYPE_CHECKING:\n    from shapes_c import Out\ndef make() -> Out: ..."
    read, imported = module(text, shapes_c=SHAPES)
    assert (read.options.outputs, imported.options.outputs) == (("a",), None)


@pytest.mark.parametrize("other", ["", "def Out(:", "from shapes_d import Out\n", "Out = make()\n"])
def test_a_class_that_cannot_be_read_leaves_the_outputs_unknown(tmp_path, other):
    (tmp_path / "shapes_d.py").write_text(other)
    (tmp_path / "mine.py").write_text("from shapes_d import Out\ndef make() -> Out: ...")
    assert Registry(str(tmp_path)).find("mine.make").options.outputs is None


def test_a_reference_to_an_output_that_the_class_lacks_is_told(check):
    check.write("mine.py", f"{SHAPES}def make() -> Out: return Out(1)\n")
    found = check("build:\n- mine.make:\n    id: m\n- run_shell_script:\n    script: echo {{ m.a }} {{ m.b }}\n")
    assert found.errors == ["unknown-output"]


def test_the_fields_of_a_dataclass_that_a_step_returns_are_its_outputs(cli):
    cli.write("mine.py", f"{SHAPES}def make() -> Out: return Out(1)\nasync def late() -> Out: return Out(2)\n")
    text = "build:\n- mine.make: {id: m}\n- mine.late: {id: n}\n- run_shell_script:\n    id: s\n"
    result = cli.result(f"{text}    script: echo {{{{ m.a }}}} {{{{ n.a }}}}\n")
    assert result["status"] == "succeeded"
    assert result["pipelines"][0]["outputs"]["s"]["stdout"] == "1 2"


def test_what_a_dataclass_is_only_made_with_is_no_output(cli):
    text = f"{DATA}@dataclass\nclass Out:\n    a: int\n    b: InitVar[int]\n    c: ClassVar[int] = 3\n"
    cli.write("mine.py", f"{text}def make() -> Out: return Out(1, 2)\n")
    result = cli.result("build:\n- mine.make: {id: m}\n")
    assert result["pipelines"][0]["outputs"]["m"] == {"a": 1}


annotations = st.recursive(
    st.sampled_from(["str", "int", "float", "bool", "", "Any", "Path", "Literal['a', 'b']", "Literal['x']", "None"]),
    lambda below: (
        below.map(lambda each: f"list[{each or 'str'}]")
        | below.map(lambda each: f"dict[str, {each or 'str'}]")
        | below.map(lambda each: f"Optional[{each or 'str'}]")
        | st.tuples(below, below).map(lambda pair: f"{pair[0] or 'str'} | {pair[1] or 'int'}")
    ),
    max_leaves=4,
)


@given(annotations, st.sampled_from(["a", "own.step", "dir/own file.py:do", "é.ü", "x.id"]))
def test_an_example_is_yaml_whose_values_fit(annotation, name):
    spec = StepSpec(name, "m:f", (Input("a_b", annotation, REQUIRED),), False, "", StepOptions(("x",)), "")
    document = parse_document(example_of(spec))
    assert not document.diagnostics.sorted()
    ((found, inputs),) = document.root.value["build"][0].items()
    assert found == name
    assert mismatch(inputs["a_b"], annotation) == ""
