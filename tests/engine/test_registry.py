"""What a step name stands for: entry points, modules of the project, installed packages; and why it stands for nothing."""

from __future__ import annotations

import sys

import pytest

from stepengine.catalogue.lookup import NotFound
from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import REQUIRED, StepSpec
from stepengine.catalogue.step_options import StepOptions
from stepengine.entry_points import STEPS, EntryPoint
from stepengine.errors import StepEngineError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Gives what writes modules into a project's directory and looks names up; imports are undone afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield Project(tmp_path / "project")
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Project:
    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def find(self, name, entry_points=None):
        return Registry(str(self.directory), entry_points).find(name)

    def load(self, name):
        registry = Registry(str(self.directory))
        return registry.load(registry.find(name))


def inputs(spec):
    return [(each.name, each.annotation, each.default) for each in spec.inputs]


# Registered steps


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A place of installed modules; gives what writes one and makes an entry point for it."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))

    def write(module, text, name="shout", distribution="loud 1.0", attribute=":shout"):
        (place / f"{module}.py").write_text(text)
        return EntryPoint(STEPS, name, f"{module}{attribute}", distribution)

    return write


def test_a_registered_step_is_read_from_its_function(project, installed):
    entry = installed(
        "reg_good", 'def shout(text: str, *, times: int = 2, **more):\n    """Say it.\n\n    Loudly.\n    """\n'
    )
    found = project.find("shout", [entry])
    assert inputs(found) == [("text", "str", REQUIRED), ("times", "int", 2)]
    assert (found.accepts_any, found.summary, found.distribution, found.context) == (True, "Say it.", "loud 1.0", "")


def test_the_context_is_no_input(project, installed):
    entry = installed("reg_ctx", "from stepengine.plugin import Context\ndef shout(text, *, context: Context): ...\n")
    found = project.find("shout", [entry])
    assert ([name for name, _, _ in inputs(found)], found.context) == (["text"], "context")


@pytest.mark.parametrize(
    ("module", "text", "words"),
    [
        ("reg_raise", "raise RuntimeError('no\\nlicence')", "RuntimeError: no licence"),
        ("reg_import", "import a_module_that_nobody_has", "No module named"),
        ("reg_exit", "raise SystemExit(3)", "exit 3"),
        ("reg_syntax", "def (:", "SyntaxError"),
        ("reg_empty", "", "shout"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_distribution(project, installed, module, text, words):
    found = project.find("shout", [installed(module, text)])
    assert isinstance(found, NotFound)
    assert found.is_certain
    assert "(loud 1.0)" in found.message
    assert words in found.message
    assert found.hint == "fix, update or uninstall loud 1.0"
    assert "\n" not in found.message


def test_a_module_that_is_missing_is_told_with_its_distribution(project):
    found = project.find("shout", [EntryPoint(STEPS, "shout", "reg_nowhere:shout", "loud 1.0")])
    assert "(loud 1.0)" in found.message


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("from stepengine.plugin import Context\ndef shout(text, *, c: Context): ...", "c"),
        ("from stepengine.plugin import Context\ndef shout(text, *, c: 'Context'): ...", "c"),
        ("from stepengine.plugin import Context\ndef shout(text, *, c: Context | None = None): ...", "c"),
        (
            "from typing import *\nfrom stepengine.plugin import Context\ndef shout(text, c: Optional[Context]): ...",
            "c",
        ),
        ("from stepengine.plugin import Context as Run\ndef shout(text, *, c: Run): ...", "c"),
        ("from stepengine import plugin\ndef shout(text, *, c: plugin.Context): ...", "c"),
        ("import stepengine.plugin\ndef shout(text, *, c: stepengine.plugin.Context): ...", "c"),
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from stepengine.plugin import Context\ndef shout(text, *, c: Context): ...",
            "c",
        ),
        ("from contextvars import Context\ndef shout(text, c: Context): ...", ""),
        ("class Context: ...\ndef shout(text, c: Context): ...", ""),
        ("def shout(text, c: 'SomeContext'): ...", ""),
    ],
)
@pytest.mark.parametrize("how", ["read", "imported"])
def test_a_context_is_known_by_what_its_name_is_bound_to(project, installed, text, context, how):
    name = f"reg_context_{abs(hash(text))}"
    if how == "imported":
        text += "\nshout = (lambda function: function)(shout)"
    found = project.find("shout", [installed(name, text)])
    assert (name in sys.modules) is (how == "imported")
    assert found.context == context
    assert [each.name for each in found.inputs] == (["text"] if context else ["text", "c"])


def test_what_a_decorator_says_is_read_without_running_the_module(project, installed):
    text = (
        "from stepengine.plugin import step\nraise SystemExit\n"
        "@step(outputs=['loud', 'times'], phase='deployer', deprecated=('old_shout',))\ndef shout(text: str): ...\n"
    )
    found = project.find("shout", [installed("reg_options", text)])
    assert (found.options.outputs, found.options.phase) == (("loud", "times"), "deployer")
    project.write("mine.py", text)
    assert project.find("mine.shout").options.outputs == ("loud", "times")


def test_a_module_is_imported_where_its_decorator_says_what_only_running_tells(project, installed):
    text = (
        "from stepengine.plugin import step\ndef warn(inputs): yield 'mind'\nNAMES = ['loud']\n"
        "@step(outputs=NAMES, check=warn)\ndef shout(text: str): ...\n"
    )
    found = project.find("shout", [installed("reg_check", text)])
    assert found.options.outputs == ("loud",)
    assert list(found.options.check({})) == ["mind"]


def test_a_decorator_of_that_name_from_elsewhere_says_nothing(project):
    project.write("mine.py", "from other import step\n@step(outputs=['x'])\ndef make(a): ...\n")
    assert project.find("mine.make").options.outputs is None


def test_an_old_name_of_a_third_party_is_replaced_by_its_own_new_one(project, installed):
    text = "from stepengine.plugin import step\n@step(deprecated=['loud.cry'])\ndef shout(): ...\n"
    old = installed("reg_old", text, name="loud.cry")
    entries = [old, old._replace(name="shout"), old._replace(name="loud.shout")]
    assert project.find("loud.cry", entries).successor == "loud.shout"
    assert project.find("loud.cry", entries[:2]).successor == "shout"
    assert project.find("loud.shout", entries).successor == ""


def test_two_providers_of_one_name_are_an_error_that_names_both(project, installed):
    entries = [
        installed("reg_one", "def shout(): ..."),
        installed("reg_two", "def shout(): ...", distribution="other 2.0"),
    ]
    found = project.find("shout", entries)
    assert found.message == "the step shout has two providers: loud 1.0 and other 2.0"
    assert "reg_one" not in sys.modules


def test_only_what_is_asked_for_is_imported(project, installed):
    entries = [installed("reg_used", "def shout(): ..."), installed("reg_unused", "raise SystemExit", name="other")]
    registry = Registry(str(project.directory), entries)
    assert "reg_used" not in sys.modules
    assert registry.names() == ["shout", "other"]
    found = registry.find("shout")
    assert isinstance(found, StepSpec)
    assert "reg_used" not in sys.modules  # its signature can be read
    registry.load(found)
    assert "reg_used" in sys.modules
    assert "reg_unused" not in sys.modules


def test_what_a_module_prints_when_it_is_imported_is_not_on_standard_output(project, installed, capsys):
    project.find("shout", [installed("reg_print", "print('hello')\nshout = lambda: None")])
    assert capsys.readouterr() == ("", "hello\n")


def test_one_function_may_have_several_names(project):
    names = ("git_clone", "prefect.deployments.steps.git_clone", "prefect.projects.steps.git_clone_project")
    found = [project.find(name) for name in names]
    assert {each.target for each in found} == {"stepengine_steps.git:git_clone"}
    assert [each.is_deprecated for each in found] == [False, False, True]


# Modules of the project: read, never run


def test_a_module_of_the_project_is_read_without_running_it(project):
    project.write(
        "mine.py", "open('proof', 'w').close()\nraise SystemExit\ndef make(target: str, jobs: int | None = 4): ...\n"
    )
    assert inputs(project.find("mine.make")) == [("target", "str", REQUIRED), ("jobs", "int | None", 4)]
    assert "mine" not in sys.modules
    assert [path.name for path in project.directory.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    "name", ["mine.make", "pkg.make", "pkg.sub.make", "pkg.deep.mod.make", "mine:make", "pkg.deep.mod:make"]
)
def test_where_modules_are(project, name):
    for path in ("mine.py", "pkg/__init__.py", "pkg/sub.py", "pkg/deep/mod.py"):
        project.write(path, "def make(a): ...\n")
    assert inputs(project.find(name)) == [("a", "", REQUIRED)]


def test_a_package_goes_before_a_module_of_its_name(project):
    project.write("pkg.py", "def make(module): ...\n")
    project.write("pkg/__init__.py", "def make(package): ...\n")
    assert inputs(project.find("pkg.make")) == [("package", "", REQUIRED)]


@pytest.mark.parametrize(
    ("text", "expected", "accepts_any"),
    [
        ("def make(a, b=1): ...", [("a", REQUIRED), ("b", 1)], False),
        ("def make(a, /, b, *, c, d=None): ...", [("b", REQUIRED), ("c", REQUIRED), ("d", None)], False),
        ("def make(a=1, /, b=2): ...", [("b", 2)], False),
        ("def make(*args, **kwargs): ...", [], True),
        ("def make(a, **rest): ...", [("a", REQUIRED)], True),
        ("async def make(a): ...", [("a", REQUIRED)], False),
        ("def make(a=f()): ...", [("a", None)], False),
        ("@step(outputs=['x'])\ndef make(a): ...", [("a", REQUIRED)], False),
        ("@prefect.task\nasync def make(a): ...", [("a", REQUIRED)], False),
        ("@functools.lru_cache(maxsize=1)\ndef make(a): ...", [("a", REQUIRED)], False),
        ("def other(a): ...\ndef make(b):\n    def make(c): ...", [("b", REQUIRED)], False),
        ("class make_up:\n    def make(self): ...\ndef make(b): ...", [("b", REQUIRED)], False),
        ("if True:\n    def make(a): ...", [("a", REQUIRED)], False),
        (
            "try:\n    import x\nexcept ImportError:\n    x = None\nfinally:\n    def make(a): ...",
            [("a", REQUIRED)],
            False,
        ),
        ("# -*- coding: latin-1 -*-\n# caf\xe9\ndef make(a): ...".encode("latin-1"), [("a", REQUIRED)], False),
        (b"\xef\xbb\xbfdef make(a): ...", [("a", REQUIRED)], False),
        ("def make(a): return '\\d'", [("a", REQUIRED)], False),
    ],
)
def test_a_functions_inputs(project, text, expected, accepts_any):
    project.write("mine.py", text)
    found = project.find("mine.make")
    assert [(name, default) for name, _, default in inputs(found)] == expected
    assert found.accepts_any is accepts_any


@pytest.mark.parametrize(
    "text",
    [
        "from other import make",
        "from other import build as make",
        "from other import *",
        "import make",
        "import make.sub",
        "make = functools.partial(print)",
        "make: object = build()",
        "make, other = build()",
        "(x := 1) and (make := build())",
        "for make in (): pass",
        "with open('x') as make: pass",
        "class make:\n    def __init__(self, a): ...",
        "@dataclass\nclass make:\n    a: int",
        "@decorated\ndef make(a): ...",
        "@a.b(c)\ndef make(a): ...",
        "if x:\n    def make(a): ...\nelse:\n    def make(b): ...",
        "try:\n    from fast import make\nexcept ImportError:\n    def make(a): ...",
        "def make(a): ...\nmake = wrap(make)",
        "def __getattr__(name): ...",
        "match 1:\n    case 1:\n        from x import make",
    ],
)
def test_what_only_running_the_module_tells_is_not_checked(project, text):
    project.write("mine.py", text)
    found = project.find("mine.make")
    assert isinstance(found, StepSpec)
    assert (found.inputs, found.accepts_any) == (None, True)


def test_a_method_is_taken_by_its_path(project):
    project.write("mine.py", "class Maker:\n    @staticmethod\n    def make(a): return {'a': a}\n")
    assert project.find("mine:Maker.make").inputs is None
    assert project.load("mine:Maker.make")(1) == {"a": 1}


@pytest.mark.parametrize("default", ["{{}}", "{[]: 1}", "{**{}}", "1 + 'a'", "-'a'", "[*()]", "f()", "f'{1}'", "{}[0]"])
def test_a_default_that_has_no_value_before_the_module_runs_is_one_all_the_same(project, default):
    project.write("mine.py", f"def make(a={default}, *, b={default}): ...\n")
    assert inputs(project.find("mine.make")) == [("a", "", None), ("b", "", None)]


@pytest.mark.parametrize(
    "said",
    [
        "outputs={{}}",
        "outputs='text'",
        "outputs=[1]",
        "outputs={'a': 1}",
        "deprecated='old'",
        "deprecated=7",
        "deprecated=None",
        "phase='both'",
        "phase=['worker']",
        "provides=7",
        "libraries='a'",
        "touches='files'",
        "touches=['disk']",
        "check=1",
        "other=1",
        "**{}",
    ],
)
def test_what_a_decorator_cannot_say_is_not_known(project, said):
    project.write("mine.py", f"from stepengine.plugin import step\n@step({said})\ndef make(a): ...\n")
    found = project.find("mine.make")
    assert found.options == StepOptions()
    assert inputs(found) == [("a", "", REQUIRED)]


def test_what_a_decorator_says_wrongly_is_told_when_an_installed_module_is_imported(project, installed):
    entry = installed("reg_wrong", "from stepengine.plugin import step\n@step(outputs='text')\ndef shout(a): ...\n")
    assert "TypeError: outputs of a step is a list" in project.find("shout", [entry]).message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "mine.py has no function 'make'"),
        ("def made(): ...", "mine.py has no function 'make'"),
        ("def outer():\n    def make(): ...", "mine.py has no function 'make'"),
        ("class A:\n    def make(self): ...", "mine.py has no function 'make'"),
        ("def make(:", "mine.py cannot be read: SyntaxError"),
        (b"def make(): '\xff'", "mine.py cannot be read: SyntaxError"),
        (b"\0", "mine.py cannot be read"),
        ("(" * 100_000, "mine.py cannot be read"),
        ("x = " + "-" * 100_000 + "1", "mine.py cannot be read"),
    ],
)
def test_a_module_of_the_project_without_the_function(project, text, words):
    project.write("mine.py", text)
    found = project.find("mine.make")
    assert isinstance(found, NotFound)
    assert found.is_certain
    assert words in found.message


def test_a_step_of_the_project_is_loaded_with_its_neighbours(project):
    project.write("mine.py", "from neighbour import VALUE\ndef make(): return {'value': VALUE}\n")
    project.write("neighbour.py", "VALUE = 42\n")
    assert project.load("mine.make")() == {"value": 42}


@pytest.mark.parametrize(
    "text",
    [
        "raise ValueError('broken')\ndef make(): ...",
        "import sys\nsys.exit()\ndef make(): ...",
        "from mine import missing\ndef make(): ...",
    ],
)
def test_a_step_of_the_project_that_cannot_be_imported_fails_when_it_is_loaded(project, text):
    project.write("mine.py", text)
    registry = Registry(str(project.directory))
    found = registry.find("mine.make")
    assert isinstance(found, StepSpec)
    with pytest.raises(StepEngineError, match=r"mine\.py of this project"):
        registry.load(found)


@pytest.mark.parametrize(
    ("files", "inputs_of_make"),
    [
        ({"mine.py": "from other import make", "other.py": "def make(a): ..."}, ["a"]),
        ({"mine.py": "from other import build as make", "other.py": "def build(a, b): ..."}, ["a", "b"]),
        ({"mine/__init__.py": "from .deep.other import make", "mine/deep/other.py": "def make(a): ..."}, ["a"]),
        (
            {"mine/__init__.py": "from .one import make", "mine/one.py": "from . import two\nfrom .two import make"}
            | {"mine/two.py": "def make(c): ..."},
            ["c"],
        ),
        ({"mine.py": "from mine import make"}, None),
        ({"mine.py": "from ..mine import make"}, None),
        ({"mine.py": "from other import make", "other.py": "def make(:"}, None),
        ({"mine.py": "from other import make", "other.py": ""}, None),
    ],
)
def test_a_name_is_followed_to_the_module_that_it_is_imported_from(project, files, inputs_of_make):
    for path, text in files.items():
        project.write(path, text)
    found = project.find("mine.make")
    assert found.target == "mine:make"
    assert (None if found.inputs is None else [each.name for each in found.inputs]) == inputs_of_make


# Scripts that are named by their path


def test_a_script_is_named_by_its_path(project):
    project.write("scripts/make steps.py", "from dataclasses import dataclass\ndef make(a: int = 2): return {'a': a}\n")
    assert inputs(project.find("scripts/make steps.py:make")) == [("a", "int", 2)]
    assert project.load("scripts/make steps.py:make")(3) == {"a": 3}


def test_a_script_that_is_not_there_is_told(project):
    found = project.find("scripts/none.py:make")
    assert (found.message, found.is_certain) == ("scripts/none.py cannot be read: No such file or directory", True)


def test_scripts_of_one_name_in_two_directories_are_two_modules(project, tmp_path):
    (tmp_path / "other").mkdir()
    other = Project(tmp_path / "other" / "project")
    for number, each in enumerate((project, other)):
        each.write("steps.py", f"def make(): return {{'number': {number}}}\n")
    assert [each.load("steps.py:make")() for each in (project, other)] == [{"number": 0}, {"number": 1}]


def test_a_script_by_two_paths_is_one_module(project):
    project.write("deep/steps.py", "def make(): ...\n")
    assert project.load("deep/steps.py:make") is project.load("deep/../deep/steps.py:make")


def test_a_script_without_the_function_is_told(project):
    project.write("steps.py", "")
    assert project.find("steps.py:make").message == "steps.py has no function 'make'"


# Installed packages


def test_a_module_in_a_package_is_read_without_importing_the_package(project, tmp_path, installed):
    (tmp_path / "site" / "inst_pkg" / "deep").mkdir(parents=True)
    files = {"__init__": "raise SystemExit", "deep/__init__": "raise SystemExit", "deep/mod": "def shout(a): ..."}
    for path, text in files.items():
        (tmp_path / "site" / "inst_pkg" / f"{path}.py").write_text(text)
    assert inputs(project.find("inst_pkg.deep.mod.shout")) == [("a", "", REQUIRED)]
    assert "inst_pkg" not in sys.modules


def test_any_callable_of_an_installed_package_is_a_step(project):
    found = project.find("json.dumps")
    assert isinstance(found, StepSpec)
    assert found.accepts_any
    assert "obj" in [each.name for each in found.inputs]


def test_a_class_and_a_builtin_are_callables(project):
    assert isinstance(project.find("collections.OrderedDict"), StepSpec)
    assert isinstance(project.find("builtins.print"), StepSpec)
    assert isinstance(project.find("os.getcwd"), StepSpec)


def test_a_decorated_function_has_the_inputs_that_it_is_called_with(project, installed):
    installed(
        "inst_wrapped",
        "import functools\ndef d(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(*a, **k)\n    return g\n@d\ndef shout(text: 'str'): ...\n",
    )
    assert inputs(project.find("inst_wrapped.shout")) == [("text", "str", REQUIRED)]


@pytest.mark.parametrize(
    ("name", "words", "certain"),
    [
        ("json.nothing", "cannot be imported: AttributeError", True),
        ("json.nothing.deeper", "cannot be imported: ModuleNotFoundError", True),
        ("json.__doc__", "json.__doc__ is no function", True),
        ("a_package_of_nobody.steps.do", "there is no package a_package_of_nobody", False),
        ("prefect.deployments.steps.nothing_like_it_at_all_xyz", "there is no step", True),
        ("prefect_docker.nothing", "there is no step", True),
        ("nothing_like_it_at_all_xyz", "there is no step", True),
        ("", "there is no step", True),
        ("..x", "'..x' is no step name", True),
        (".x", "'.x' is no step name", True),
        ("a_package_of_nobody..x", "is no step name", True),
        ("a_package_of_nobody.", "is no step name", True),
        ("__import__.x", "'__import__.x' is no step name", True),
    ],
)
def test_names_that_stand_for_nothing(project, name, words, certain):
    found = project.find(name)
    assert isinstance(found, NotFound)
    assert words in found.message
    assert found.is_certain is certain


def test_an_installed_module_that_ends_the_process_does_not_end_ours(project, installed):
    installed("inst_exit", "raise SystemExit(0)")
    assert "it ends the process when it is imported (exit 0)" in project.find("inst_exit.shout").message


@pytest.mark.parametrize("name", ["_nobody.x", "nobody_.x", "größe.x", "no body.x", "no$body.x"])
def test_nothing_is_said_of_a_distribution_that_no_one_can_have(project, name):
    assert project.find(name).hint == "install what has it"


def test_a_package_that_is_not_here_may_be_installed(project):
    assert (
        project.find("prefect_aws.deployments.steps.push_to_s3").hint
        == "install what has it, and add 'requires: prefect-aws'"
    )
