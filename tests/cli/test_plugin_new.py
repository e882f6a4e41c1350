"""`stepengine plugin new`: what it writes works as it stands; what it is told is hostile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.authoring.names import check_name
from stepengine.errors import UsageError

FILES = {
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/acme_greetings/__init__.py",
    "src/acme_greetings/py.typed",
    "src/acme_greetings/sources.py",
    "src/acme_greetings/steps.py",
    "tests/test_file.py",
    "tests/test_steps.py",
}


def files_below(directory) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def written(author, tmp_path_factory):
    """A distribution that the installed command wrote, and that is installed beside it."""
    directory = tmp_path_factory.mktemp("written")
    done = author.run("stepengine", "plugin", "new", "Acme.Greetings", cwd=directory)
    assert done.returncode == 0, done.stderr
    written = directory / "acme-greetings"
    assert files_below(written) == FILES
    author.environment.install(f"{written}[dev]")
    return written


def test_its_tests_pass_as_they_stand(author, written):
    done = author.run("pytest", "-q", "-W", "error", cwd=written)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_its_types_are_strict_and_right(author, written):
    done = author.run("mypy", "--strict", cwd=written)
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 5 source files\n")


def test_it_is_formatted_and_has_no_lint(written):
    for command in (["check", "--isolated"], ["format", "--check", "--isolated", "--line-length", "120"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(written)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_its_step_and_its_source_are_registered(author, written, tmp_path):
    shown = author.run("stepengine", "steps", "show", "acme_greetings.count_lines", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "acme-greetings 0.1.0" in shown.stdout
    assert "How many lines they have." in shown.stdout
    (tmp_path / "acme_greetings.json").write_text('{"token": "opensesame"}')
    (tmp_path / "prefect.yaml").write_text(
        "build:\n- acme_greetings.count_lines:\n    pattern: '*.json'\n"
        "- run_shell_script:\n    script: echo {{ acme_greetings.token }}\n"
    )
    done = author.run("stepengine", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 lines in 1 files" in done.stderr
    assert "opensesame" not in done.stderr
    assert author.run("stepengine", "validate", "--format", "json", cwd=tmp_path).returncode == 0


def test_a_source_that_cannot_be_read_is_told(author, written, tmp_path):
    (tmp_path / "acme_greetings.json").write_text("[1]")
    (tmp_path / "prefect.yaml").write_text("build:\n- run_shell_script:\n    script: echo {{ acme_greetings.token }}\n")
    done = author.run("stepengine", "run", cwd=tmp_path)
    assert done.returncode == 2
    assert "holds no mapping" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_installed_is_refused(author, written, tmp_path):
    done = author.run("stepengine", "plugin", "new", "acme_greetings", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is a distribution acme-greetings already" in done.stderr
    assert files_below(tmp_path) == set()


def test_what_it_wrote_and_what_comes_next_is_told(cli):
    outcome = cli.stepengine("plugin", "new", "acme-greetings", "some where/else")
    assert (outcome.code, outcome.out) == (0, "")
    assert "wrote acme-greetings into some where/else:" in outcome.err
    assert "  cd 'some where/else'\n" in outcome.err
    assert files_below(cli.directory / "some where" / "else") == FILES


def test_it_goes_into_an_empty_clone(cli):
    cli.write(".git/HEAD", "ref: refs/heads/main\n")
    outcome = cli.stepengine("plugin", "new", "acme-greetings", ".")
    assert outcome.code == 0
    assert "cd " not in outcome.err
    assert files_below(cli.directory) == FILES | {".git/HEAD"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../x", "is no name"),
        ("a/b", "is no name"),
        ("/etc/passwd", "is no name"),
        ("..", "is no name"),
        (".", "is no name"),
        ("-x", "needs NAME"),
        ("--x", "needs NAME"),
        ("", "is no name"),
        (" ", "is no name"),
        ("a b", "is no name"),
        ("café", "is no name"),
        ("ａcme", "is no name"),
        ("a\nb", "is no name"),
        ("a\n", "is no name"),
        ("\x1b[31mred", "is no name"),
        ("acme-", "is no name"),
        ("@package@", "is no name"),
        ("a" * 300, "has 300 characters"),
        ("1password", "no package of Python can be called 1password"),
        ("class", "a word of Python's language"),
        ("json", "standard library"),
        ("stepengine", "there is a distribution stepengine"),
        ("Stepengine.Steps", "there is a distribution stepengine-steps"),
        ("Prefect", "there is a distribution prefect"),
        ("Jinja2", "there is a distribution jinja2"),
        ("yaml", "a package yaml is installed here"),
    ],
)
def test_a_name_that_does_not_do_is_refused(cli, name, told):
    outcome = cli.stepengine("plugin", "new", name)
    assert outcome.code == 2
    assert any(each in outcome.err for each in told.split("|"))
    assert "help: " in outcome.err
    assert "\x1b" not in outcome.err
    assert len(outcome.err) < 400
    assert files_below(cli.directory) == set()


def test_a_name_after_two_hyphens_is_no_option(cli):
    assert "'--x' is no name" in cli.stepengine("plugin", "new", "--", "--x").err


@given(st.text())
def test_any_text_is_a_good_name_or_a_clear_error(name):
    try:
        names = check_name(name, ())
    except UsageError as error:
        told = error
    else:
        assert names.package.isidentifier()
        assert names.package.isascii()
        assert os.sep not in names.distribution
        return
    assert "\n" not in told.message
    assert told.hint


@pytest.mark.parametrize("there", sorted(FILES))
def test_nothing_that_is_there_is_overwritten(cli, there):
    cli.write(f"acme-greetings/{there}", "mine")
    outcome = cli.stepengine("plugin", "new", "acme-greetings")
    assert outcome.code == 2
    assert f"{there} is there already" in outcome.err
    assert files_below(cli.directory) == {f"acme-greetings/{there}"}
    assert (cli.directory / "acme-greetings" / there).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(cli):
    (cli.directory / "acme-greetings").mkdir()
    (cli.directory / "acme-greetings" / "README.md").symlink_to("../outside.md")
    assert cli.stepengine("plugin", "new", "acme-greetings").code == 2
    assert not (cli.directory / "outside.md").exists()


@pytest.mark.parametrize("there", ["acme-greetings", "acme-greetings/src"])
def test_a_file_in_the_place_of_a_directory_is_told_and_nothing_is_left(cli, there):
    cli.write(there, "mine")
    outcome = cli.stepengine("plugin", "new", "acme-greetings")
    assert outcome.code == 2
    assert "error: " in outcome.err
    assert files_below(cli.directory) == {there}


@pytest.mark.parametrize("directory", ["a" * 300, os.devnull, "new/" + "a" * 300])
def test_a_directory_that_cannot_be_made_is_told_and_nothing_is_left(cli, directory):
    outcome = cli.stepengine("plugin", "new", "acme-greetings", directory)
    assert outcome.code == 2
    assert "cannot be written" in outcome.err
    assert list(cli.directory.iterdir()) == []


def test_only_new_is_an_action(cli):
    assert cli.stepengine("plugin", "old", "acme-greetings").code == 2
    outcome = cli.stepengine("plugin")
    assert outcome.code == 2
    assert "stepengine plugin needs an action: new NAME" in outcome.err
