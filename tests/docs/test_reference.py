"""The pages say what the code does: options, exit codes, documents, keys, names, links."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest

from stepengine import errors, plugin
from stepengine.cli import arguments, command
from stepengine.hooks import specs
from stepengine.model import SECTIONS
from stepengine.templating import sandbox
from stepengine.validation.deployments import FIELDS
from stepengine.validation.fields import SCHEDULE
from stepengine.validation.file import TOP_LEVEL_KEYS
from support import pages

OTHERS_OPTIONS = {
    "--abbrev-ref", "--check", "--detach", "--force", "--initial-branch", "--mount", "--name", "--no-deps", "--publish",
    "--quiet", "--short", "--stepengine-record", "--strict", "--strict-markers", "--token", "--volumes", "--wheel-dir",
}  # fmt: skip
"""Options of git, docker, of scripts and of programs in examples."""


def parsers() -> dict[str, argparse.ArgumentParser]:
    found = {}
    for name, (_, fill) in arguments._COMMANDS.items():
        found[name] = argparse.ArgumentParser()
        fill(found[name])
    return found


def test_generated_pages_are_fresh():
    done = subprocess.run(
        [sys.executable, "scripts/write_docs", "--check"], cwd=pages.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", pages.pages())
def test_links_lead_somewhere(page):
    for link in pages.links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (pages.ROOT / page).parent.joinpath(path).resolve() if path else (pages.ROOT / page)
        assert target.exists(), link
        if anchor:
            assert anchor in pages.anchors(target.relative_to(pages.ROOT).as_posix()), link


def test_every_page_can_be_reached_from_the_readme():
    seen, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [(pages.ROOT / page).parent.joinpath(link.partition("#")[0]) for link in pages.links(page)]
        targets = [target / "README.md" if target.is_dir() else target for target in targets]
        waiting += [target.resolve().relative_to(pages.ROOT).as_posix() for target in targets if target.suffix == ".md"]
    assert set(pages.pages()) - seen == set()


@pytest.mark.parametrize("page", pages.pages())
def test_no_page_mentions_an_option_that_does_not_exist(page):
    known = {option for parser in parsers().values() for option in parser._option_string_actions}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", pages.read(page)))
    assert mentioned - known - {"--version", "--help"} <= OTHERS_OPTIONS


@pytest.mark.parametrize("page", pages.pages())
def test_every_command_line_that_a_page_shows_is_one(page):
    shown = [line for block in pages.blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    shown += re.findall(r"`(stepengine [a-z][^`]*)`", pages.prose(page))
    for line in shown:
        match = re.search(r"\bstepengine ([a-z]+)([^|>]*)", line)
        if match and "COMMAND" not in line and match[2].count("'") % 2 == 0:
            import shlex

            arguments.parse_arguments([match[1], *shlex.split(match[2])])


def test_every_command_and_option_is_described():
    page = pages.read("docs/command-line.md")
    for name, parser in parsers().items():
        assert f"## {name}\n" in page
        for action in parser._actions:
            assert action.dest == "help" or action.help or action.choices, f"{name} {action.dest}"


def test_exit_codes():
    codes = {0, command.BUG, command.BROKEN_PIPE, errors.INTERRUPTED} | {
        found.exit_code for found in vars(errors).values() if isinstance(found, type) and hasattr(found, "exit_code")
    }
    assert {int(row[0]) for row in pages.table("docs/command-line.md", "Exit codes")} == codes


def test_keys_at_the_top():
    assert [key for row in pages.table("docs/file.md", "The keys at the top") for key in pages.quoted(row[0])] == list(
        TOP_LEVEL_KEYS
    )


def test_keys_of_a_deployment():
    shown = [key for row in pages.table("docs/file.md", "Deployments") for key in pages.quoted(row[0])]
    assert sorted(shown) == sorted(FIELDS)
    assert set(SECTIONS) < set(shown)


def test_keys_of_a_schedule():
    rows = pages.table("docs/file.md", "Deployments")
    assert sorted(next(pages.quoted(row[1]) for row in rows if row[0] == "`schedule`")) == sorted(SCHEDULE)


def test_what_an_expression_may_use():
    rows = {row[0]: row[1] for row in pages.table("docs/templating.md", "Expressions")}

    def names(start: str) -> list[str]:
        return next(text for name, text in rows.items() if name.startswith(start)).strip("`").split()

    operators = {"==", "!=", "<", "<=", ">", ">="}
    assert names("Filters") == sorted(sandbox._FILTERS)
    assert names("Tests") == sorted(set(sandbox._TESTS) - operators)
    assert names("Methods of texts") == sorted({*sandbox._TEXT_METHODS, "join", "replace"})
    assert names("Methods of mappings") == sorted(sandbox._MAPPING_METHODS)


def test_every_public_name_and_every_hook_is_documented_and_nothing_else():
    found = re.findall(r"^### `(\w+)`$", pages.read("docs/plugins.md"), re.MULTILINE)
    hooks = [name for name in vars(specs) if name.startswith("stepengine_")]
    assert sorted(found) == sorted([*plugin.__all__, *hooks])


def test_every_hook_has_an_example_of_its_own():
    page = pages.read("docs/plugins.md")
    code = "".join(block.text for block in pages.blocks("docs/plugins.md") if block.language == "python")
    for name in [name for name in vars(specs) if name.startswith("stepengine_")]:
        assert f"def {name}(" in code
        assert f"### `{name}`" in page


FILE = """\
build:
- run_shell_script:
    id: ok
    requires: prefect>=3
    script: echo {{ $WHAT | default('x') }}
- run_shell_script:
    script: "false"
pull:
- run_shell_script:
    script: pwd
deployments:
- name: one
"""


@pytest.mark.parametrize(
    ("heading", "command_line", "skipped"),
    [
        ("The document of run", ["run"], {"pipelines[].steps[].outputs", "pipelines[].outputs", "deployments[]"}),
        ("The document of validate", ["validate", "wrong.yaml"], set()),
        ("The document of plan", ["plan"], set()),
        ("The document of steps", ["steps", "show", "run_shell_script"], set()),
    ],
)
def test_documents_have_the_fields_that_are_described(cli, heading, command_line, skipped):
    cli.write("prefect.yaml", FILE)
    cli.write("wrong.yaml", "nonsense: 1\n")
    cli.write("works.yaml", FILE.replace('"false"', '"true"'))
    cli.write("isolated.yaml", FILE.replace("prefect>=3", "of-nobody>=3"))
    described = {name for row in pages.table("docs/command-line.md", heading) for name in pages.quoted(row[0])}
    found = set(fields(cli.stepengine(*command_line, "--format", "json").json, "", skipped))
    if command_line == ["run"]:
        found |= set(fields(cli.stepengine("run", "works.yaml", "--format", "json").json, "", skipped))
        found -= {name for name in found if name.startswith("pipelines[].steps[].error.")}
    if command_line == ["plan"]:
        found |= set(fields(cli.stepengine("plan", "isolated.yaml", "--format", "json").json, "", skipped))
        found -= {name for name in found if name.startswith("diagnostics[].")}
    assert found == described


def fields(document, prefix, skipped):
    """Give the paths of a document's fields: `a.b`, `a[].b`."""
    if prefix in skipped:
        return
    if isinstance(document, list):
        for item in document:
            yield from fields(item, f"{prefix}[]", skipped)
    elif isinstance(document, dict):
        for name, value in document.items():
            path = f"{prefix}.{name}".removeprefix(".")
            yield path
            yield from fields(value, path, skipped)
