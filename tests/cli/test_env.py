"""What `stepengine env` refuses, and how it tells of names that nobody would give."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prune", ""], "an empty name names no environment"),
        (["prune", "--older-than", "-1"], "is no number of days"),
        (["prune", "--older-than", "nan"], "is no number of days"),
        (["prune", "--older-than", "x"], "x"),
        (["prune", "of-nobody"], "there is no environment of-nobody"),
        (["list", "x"], "env list takes no names"),
    ],
)
def test_what_is_no_environment_is_refused(cli, arguments, words):
    outcome = cli.stepengine("env", *arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_a_hostile_name_is_one_line(cli):
    cli.environ["STEPENGINE_CACHE_DIR"] = str(cli.directory)
    (cli.directory / "environments" / "a\n\x1b[31mb").mkdir(parents=True)
    outcome = cli.stepengine("env", "list")
    assert len(outcome.out.splitlines()) == 2
    assert "\x1b" not in outcome.out
    shown = cli.stepengine("steps", "show", "a\n\x1b[31mb")
    assert shown.code == 2
    assert "\x1b" not in shown.err
