"""The plugin in a test run of its own: fixtures, options, and what it costs those who do not use it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import stepengine.testing
from stepengine.testing import plugin
from support import pages

pytest_plugins = ["pytester"]

TEST = """
    def test_greeting(stepengine_project, stepengine_cassette):
        outcome = stepengine_project.run('''
    build:
    - run_shell_script:
        id: greet
        script: sh -c "echo hello; touch ran"
    ''')
        outcome.assert_succeeded().assert_printed("hello", step="greet")
        print("RAN" if (stepengine_project.directory / "ran").exists() else "REPLAYED")
"""


@pytest.fixture
def run_tests(pytester):
    return lambda *options: pytester.runpytest_inprocess("-q", "-s", "-W", "error", *options)


def test_the_default_is_offline_and_records_nothing(pytester, run_tests):
    pytester.makepyfile(TEST)
    run = run_tests()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["*there is no cassette *cassettes*; record it with: pytest --stepengine-record=once"])
    assert not (pytester.path / "cassettes").exists()


def test_a_test_is_recorded_once_and_replayed(pytester, run_tests):
    path = pytester.makepyfile(TEST)
    recorded = run_tests("--stepengine-record=once")
    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines(["*RAN*"])
    kept = pytester.path / "cassettes" / f"{path.stem}.test_greeting.json"
    assert json.loads(kept.read_text())["calls"][0]["printed"] == [{"stdout": ["hello"]}]
    for options in ([], ["--stepengine-record=once"], ["--stepengine-record=new"]):
        replayed = run_tests(*options)
        replayed.assert_outcomes(passed=1)
        replayed.stdout.fnmatch_lines(["*REPLAYED*"])
    run_tests("--stepengine-record=all").stdout.fnmatch_lines(["*RAN*"])


def test_another_call_fails_the_test_even_where_it_expects_a_failure(pytester, run_tests):
    pytester.makepyfile(TEST)
    run_tests("--stepengine-record=once")
    changed = TEST.replace("echo hello", "echo moin").replace("assert_succeeded()", "assert_failed()")
    pytester.makepyfile(changed)
    run = run_tests()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["*CassetteError: the cassette *", "*script: recorded *echo hello*, now *echo moin*"])


def test_the_marker_names_the_file_and_steps_that_run(pytester, run_tests):
    marker = '@pytest.mark.stepengine_cassette("shared.json", live=["image_tags"])'
    pytester.makepyfile(
        test_named=f"""
        import pytest

        {marker}
        @pytest.mark.parametrize("name", ["b", "c"])
        def test_shared(stepengine_project, stepengine_cassette, name):
            stepengine_project.run_step("run_shell_script", {{"script": "echo"}}).assert_succeeded()
            stepengine_project.run_step("image_tags", {{"version": "1.2.3", "flavor": name}}).assert_succeeded()
        """
    )
    run_tests("--strict-markers", "--stepengine-record=once", "test_named.py::test_shared[c]").assert_outcomes(passed=1)
    run_tests("--strict-markers").assert_outcomes(passed=2)
    kept = json.loads((pytester.path / "shared.json").read_text())
    assert [call["step"] for call in kept["calls"]] == ["run_shell_script"]
    assert not (pytester.path / "cassettes").exists()


def test_tests_of_one_name_with_parameters_have_cassettes_of_their_own(pytester, run_tests):
    pytester.makepyfile(
        test_many="""
        import pytest

        @pytest.mark.parametrize("name", ["a/b", "c d"])
        def test_many(stepengine_project, stepengine_cassette, name):
            stepengine_project.run_step("run_shell_script", {"script": f"echo {name}"}).assert_printed(name)
        """
    )
    run_tests("--stepengine-record=once").assert_outcomes(passed=2)
    names = sorted(path.name for path in (pytester.path / "cassettes").iterdir())
    assert [name.rpartition("-")[0] for name in names] == ["test_many.test_many-a-b", "test_many.test_many-c-d"]


def test_fixtures_and_options_explain_themselves(run_tests):
    run = run_tests("--fixtures", "-v")
    run.stdout.fnmatch_lines(["stepengine_project*", "stepengine_cassette*", "stepengine_docker*", "stepengine_git*"])
    assert (
        "no docstring available" not in run.stdout.str().partition("stepengine.testing")[2].partition("fixtures def")[0]
    )
    run_tests("--help").stdout.fnmatch_lines(["*--stepengine-record=*"])
    run_tests("--markers").stdout.fnmatch_lines(["@pytest.mark.stepengine_cassette*"])
    assert run_tests("--stepengine-record=often").ret == pytest.ExitCode.USAGE_ERROR


def test_it_imports_nothing_until_a_fixture_is_used():
    program = "import sys, pytest; before = set(sys.modules); import stepengine.testing.plugin; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["stepengine", "stepengine.testing", "stepengine.testing.plugin"]


def test_every_public_name_is_there():
    for name in stepengine.testing.__all__:
        assert getattr(stepengine.testing, name).__name__ == name
    assert set(stepengine.testing._MODULES) == set(stepengine.testing.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        stepengine.testing.Nothing  # noqa: B018


def test_every_name_fixture_and_mode_is_documented():
    page = pages.read("docs/testing.md")
    fixtures = [name for name in vars(plugin) if name.startswith("stepengine_")]
    for name in [*stepengine.testing.__all__, *fixtures, "none", "once", "new", "all"]:
        assert f"`{name}`" in page or f"`{name}(" in page
    for each in (stepengine.testing.Outcome, stepengine.testing.Project, stepengine.testing.StepOutcome):
        for name in [name for name in vars(each) if not name.startswith("_")]:
            assert name in page, f"{each.__name__}.{name}"


@pytest.mark.parametrize("name", ["stepengine", "stepengine_steps", "stepengine_plugins"])
def test_pytest_takes_no_offence_at_packages_that_are_imported_already(name):
    from _pytest.assertion.rewrite import AssertionRewriter

    assert AssertionRewriter.is_rewrite_disabled(__import__(name).__doc__)
