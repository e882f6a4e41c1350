"""Plugins that are broken, slow or ambiguous: told of with their distribution, and never the end of a run."""

from __future__ import annotations

import os
import signal
import time

import pytest

from support.distributions import install

SHELL = "build:\n- run_shell_script:\n    script: echo ran\n"
ASKS = "build:\n- run_shell_script:\n    script: echo {{ vault.x }} ran\n"
SOURCE = """
from stepengine.plugin import ReferenceSource

def stepengine_sources():
    yield ReferenceSource("vault", "a test", {("x",): "1"}.__getitem__, list, secret=False)
"""
LISTENER = """
def stepengine_listeners():
    yield lambda event: None
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "ImportError: it ends the process when it is imported (exit 3)"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def broken(:\n", "SyntaxError: invalid syntax"),
    ],
)
def test_one_that_fails_to_import_is_told_of_and_the_run_goes_on(cli, text, told):
    install(cli, "bad-hooks", {"stepengine/bad": "bad_plugin"}, bad_plugin=text + LISTENER)
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    assert f"warning: the plugin bad of bad-hooks 1.2 is left out: {told}" in outcome.err
    assert outcome.err.count("left out") == 1


def test_one_whose_module_is_not_there_is_told_of(cli):
    install(cli, "bad-hooks", {"stepengine/bad": "not_there.at_all"})
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    assert "warning: the plugin bad of bad-hooks 1.2 is left out: ModuleNotFoundError" in outcome.err


def test_a_file_that_needs_it_is_refused_with_both_told(cli):
    install(cli, "bad-hooks", {"stepengine/bad": "bad_plugin"}, bad_plugin="import no_such_module\n" + SOURCE)
    outcome = cli.run(ASKS)
    assert outcome.code == 2
    assert "warning: the plugin bad of bad-hooks 1.2 is left out: ModuleNotFoundError" in outcome.err
    assert "unknown-reference" in outcome.err


@pytest.mark.parametrize("broken", ["import no_such_module\n", "import time; time.sleep(60)\n"])
def test_one_that_has_nothing_for_the_run_is_not_even_imported(cli, broken):
    install(cli, "bad-hooks", {"stepengine/bad": "bad_plugin"}, bad_plugin=broken + SOURCE)
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    assert "bad" not in outcome.err


def test_one_that_hooks_an_unknown_name_is_told_of_without_being_imported(cli):
    text = "def stepengine_listener():\n    yield print\nraise RuntimeError('imported')\n"
    install(cli, "bad-hooks", {"stepengine/bad": "bad_plugin"}, bad_plugin=text)
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    told = "the plugin bad of bad-hooks 1.2 is left out: there is no hook stepengine_listener"
    assert f"warning: {told}; did you mean stepengine_listeners?" in outcome.err
    assert outcome.err.count("bad-hooks") == 1


def test_an_unknown_name_that_only_importing_shows_is_told_of_as_well(cli):
    install(
        cli,
        "bad-hooks",
        {"stepengine/bad": "bad_plugin"},
        bad_plugin="from bad_impl import *\n",
        bad_impl="def stepengine_listener():\n    yield print\n",
    )
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    assert "the plugin bad of bad-hooks 1.2 is left out: there is no hook stepengine_listener" in outcome.err


def test_a_hook_that_a_star_import_brings_is_found(cli):
    install(
        cli,
        "good-hooks",
        {"stepengine/good": "good_plugin"},
        good_plugin="from good_impl import *\n",
        good_impl="def stepengine_listeners():\n    yield lambda event: open('heard', 'a').close()\n",
    )
    assert cli.run(SHELL).code == 0
    assert (cli.directory / "heard").exists()


def test_two_distributions_with_one_plugin_name_are_both_left_out_and_named(cli):
    install(cli, "first", {"stepengine/vault": "first_plugin"}, first_plugin=SOURCE)
    install(cli, "second", {"stepengine/vault": "second_plugin"}, version="3.0", second_plugin=SOURCE)
    told = "warning: the plugin vault is left out: it has several providers: first 1.2 and second 3.0; uninstall one of them"
    outcome = cli.run(ASKS)
    assert outcome.code == 2
    assert outcome.err.count(told) == 1
    outcome = cli.run(SHELL)
    assert outcome.code == 0
    assert "vault" not in outcome.err


def test_one_module_under_two_names_counts_once(cli):
    text = "def stepengine_listeners():\n    yield lambda event: open('heard', 'a').write(type(event).__name__ + ' ')\n"
    install(cli, "twice", {"stepengine/one": "twice_plugin", "stepengine/two": "twice_plugin"}, twice_plugin=text)
    outcome = cli.run(SHELL)
    told = "the plugin two of twice 1.2 is left out: its module is the plugin one of twice 1.2 already"
    assert f"warning: {told}" in outcome.err
    assert (cli.directory / "heard").read_text().split().count("RunFinished") == 1


def test_two_distributions_with_one_step_name_matter_to_a_file_that_uses_it(cli):
    for name in ("first", "second"):
        install(cli, name, {"stepengine.steps/shout": f"{name}_steps:shout"}, **{f"{name}_steps": "def shout(): ...\n"})
    assert cli.run(SHELL).code == 0
    outcome = cli.run("build:\n- shout: {}\n")
    assert outcome.code == 2
    assert "the step shout has two providers: first 1.2 and second 1.2" in outcome.err


def test_one_that_is_slow_to_import_is_told_of_and_counts(cli):
    slow = "import time; time.sleep(0.6)\n" + SOURCE
    install(cli, "slow-hooks", {"stepengine/slow": "slow_plugin"}, slow_plugin=slow)
    outcome = cli.run(ASKS)
    assert outcome.code == 0
    assert "1 ran" in outcome.err
    assert outcome.err.count("warning: the plugin slow of slow-hooks 1.2 takes 0.") == 1
    assert "s to import" in outcome.err


def test_one_that_hangs_is_told_of_and_an_interruption_ends_the_run(cli):
    hangs = "import time; open('waiting', 'w').close(); time.sleep(60)\n" + SOURCE
    install(cli, "slow-hooks", {"stepengine/slow": "slow_plugin"}, slow_plugin=hangs)
    cli.write("prefect.yaml", ASKS)
    with cli.start("run") as process:
        deadline = time.monotonic() + 30
        while not (cli.directory / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(5.5)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "warning: the plugin slow of slow-hooks 1.2 is still being imported after 5 s; Ctrl-C ends the run" in err


def test_what_a_module_prints_as_it_is_imported_is_no_part_of_a_document(cli):
    install(cli, "loud", {"stepengine/loud": "loud_plugin"}, loud_plugin="print('imported')\n" + SOURCE)
    cli.write("prefect.yaml", ASKS)
    assert "imported" not in cli.stepengine("plan").out
    assert cli.stepengine("plan", "--format", "json").json["diagnostics"] == []


def test_a_run_without_plugins_for_it_imports_neither_pluggy_nor_them(cli):
    install(
        cli, "idle", {"stepengine/idle": "idle_plugin"}, idle_plugin="open('idle-imported', 'w').close()\n" + SOURCE
    )
    cli.write(
        "see.py",
        "import sys\ndef see():\n    return {'loaded': [name for name in ('pluggy', 'logging') if name in sys.modules]}\n",
    )
    outcome = cli.run("build:\n- see.see:\n    id: seen\n- run_shell_script:\n    script: echo {{ seen.loaded }}\n")
    assert "  []\n" in outcome.err
    assert not (cli.directory / "idle-imported").exists()
