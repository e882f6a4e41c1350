"""The catalogue of diagnostics: complete, true, and what the pages are made from."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import stepengine
from stepengine.diagnostics.pages import PAGES

ENGINE = Path(stepengine.__file__).parent
REPORTERS = ("error", "warning", "report", "_report", "_Failure", "Diagnostic")
"""What takes a diagnostic's code: methods by the code's place, see `codes_in`."""


def codes_in(path: Path) -> set[str]:
    """Find the codes that a module's calls give; those that only running tells are in `built`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in REPORTERS and node.args:
                found |= texts_of(node.args[1 if name == "Diagnostic" else 0])
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and path.name == "failures.py":
            found |= texts_of(node.value.elts[0])
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            found |= texts_of(node.value)  # of a class of errors
        elif isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            found |= {
                value
                for key, value in zip(keys, node.values, strict=False)
                if key == "code"
                for value in texts_of(value)
            }
    return found


def texts_of(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_code_of_the_source_has_a_page_and_nothing_else_has():
    built = {f"schedule-{kind}" for kind in ("cron", "interval", "rrule")}  # made of the key's name
    sources = [
        path
        for room in ("document", "validation", "planning", "schema", "cli")
        for path in (ENGINE / room).glob("*.py")
    ]
    sources.append(ENGINE / "errors.py")
    codes = {code for path in sources for code in codes_in(path)} | built
    assert codes == set(PAGES)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_example_of_a_page_causes_it_and_the_fixed_one_does_not(page, cli):
    cli.environ.pop("WORK_POOL", None)
    file = cli.directory / "flows" / "prefect.yaml"
    file.parent.mkdir()
    file.write_bytes(page.example.encode(page.encoding))
    before = diagnostics(cli, page, file)
    assert (page.code, page.line) in [(found["code"], found["line"]) for found in before]
    assert {found["severity"] for found in before if found["code"] == page.code} <= set(page.severity.split(" or "))
    file.write_text(page.fixed, encoding="utf-8")
    assert page.code not in [found["code"] for found in diagnostics(cli, page, file)]


def diagnostics(cli, page, file):
    command, *options = page.command.split()
    outcome = cli.stepengine(command, str(file), "--format", "json", *options)
    assert outcome.code in (0, 2), outcome.err
    return outcome.json["files"][0]["diagnostics"] if command in ("validate", "schema") else outcome.json["diagnostics"]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_says_enough(page):
    assert page.severity in ("error", "warning", "error or warning")
    assert page.title[0].isupper()
    assert not page.title.endswith(".")
    assert page.explanation.endswith(".")
    assert page.example.endswith("\n")
    assert page.fixed.endswith("\n")
