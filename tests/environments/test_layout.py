"""What the variables of an environment are, and what stays of them for other steps."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.environments.index_settings import IndexSettings
from stepengine.environments.layout import activated, deactivated, scripts_of
from stepengine.environments.requirement_set import environment_key, requirement_set

HOME = os.path.join(os.sep, "cache", "key")
NAMES = st.sampled_from(["PATH", "VIRTUAL_ENV", "HOME", "MORE"])
ENVIRONS = st.dictionaries(NAMES, st.sampled_from(["/bin", "/usr/bin:/bin", "/other", ""]))


@given(ENVIRONS)
def test_nothing_of_an_environment_stays(before):
    assert deactivated(HOME, activated(HOME, before), before) == before


@given(ENVIRONS, st.sampled_from(["/first", "/a:/b"]))
def test_what_a_step_puts_around_the_path_stays_without_the_environment_s(before, more):
    there = activated(HOME, before)
    for path in (f"{more}:{there['PATH']}", f"{there['PATH']}:{more}"):
        left = deactivated(HOME, {**there, "PATH": path}, before)["PATH"].split(os.pathsep)
        assert scripts_of(HOME) not in left
        assert set(more.split(":")) <= set(left)


def test_a_path_that_a_step_deletes_stays_deleted():
    before = {"PATH": "/bin"}
    there = activated(HOME, before)
    del there["PATH"]
    assert "PATH" not in deactivated(HOME, there, before)


def key(requirement, *deciding):
    return environment_key(requirement_set([requirement]), IndexSettings({}, deciding, ()), None)


def test_a_directory_that_was_built_in_is_the_same_and_a_changed_one_is_not(tmp_path):
    source = tmp_path / "acme"
    source.mkdir()
    (source / "acme.py").write_text("one\n")
    requirement = f"acme @ {source.as_uri()}"
    first = key(requirement)
    for name in ("build", "dist", "acme.egg-info", "__pycache__"):
        (source / name).mkdir()
        (source / name / "made").write_text("x")
    assert key(requirement) == first
    os.utime(source / "acme.py", (2**31, 2**31))
    assert key(requirement) != first


@pytest.mark.parametrize("other", ["https://user:today@private/simple", "https://token@private/simple"])
def test_another_token_of_an_index_makes_no_other_environment(other):
    plain = key("acme", ("UV_DEFAULT_INDEX", "https://private/simple"))
    assert key("acme", ("UV_DEFAULT_INDEX", other)) == plain
    assert key("acme", ("UV_DEFAULT_INDEX", "https://public/simple")) != plain
