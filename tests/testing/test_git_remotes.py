"""Repositories made of files: the built-in git_clone clones them."""

from __future__ import annotations

import pytest


def test_the_built_in_step_clones_it(stepengine_project, stepengine_git):
    remote = stepengine_git({"flows.py": "one", "deep/er/file.bin": b"\0"})
    outcome = stepengine_project.run_step("git_clone", {"repository": remote.url}).assert_succeeded()
    clone = stepengine_project.directory / outcome.outputs["directory"]
    assert (clone / "flows.py").read_text() == "one"
    assert (clone / "deep/er/file.bin").read_bytes() == b"\0"


def test_branches_tags_and_commits_can_be_asked_for(stepengine_project, stepengine_git):
    remote = stepengine_git({"flows.py": "one", "other.py": "stays"}, name="x", branch="trunk")
    first = remote.commit({"flows.py": "two", "gone.py": "x"})
    remote.tag("v2")
    remote.commit({"flows.py": "three", "gone.py": None}, branch="feature")
    for inputs, text, names in [
        ({"branch": "trunk"}, "two", {"flows.py", "other.py", "gone.py"}),
        ({"branch": "feature"}, "three", {"flows.py", "other.py"}),
        ({"branch": "v2"}, "two", {"flows.py", "other.py", "gone.py"}),
        ({"commit_sha": first}, "two", {"flows.py", "other.py", "gone.py"}),
    ]:
        into = f"clone-{len(list(stepengine_project.directory.iterdir()))}"
        given = {"repository": remote.url, "clone_directory_name": into, **inputs}
        clone = stepengine_project.directory / stepengine_project.run_step("git_clone", given).outputs["directory"]
        assert (clone / "flows.py").read_text() == text
        assert {path.name for path in clone.iterdir()} - {".git"} == names


def test_the_same_files_give_the_same_commits(stepengine_git, monkeypatch):
    first = stepengine_git({"a": "1"}, name="one")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    second = stepengine_git({"a": "1"}, name="two")
    assert first.commit({"b": "2"}) == second.commit({"b": "2"})
    assert first.url != second.url


def test_what_git_says_is_told(stepengine_git):
    with pytest.raises(RuntimeError, match="git update-index failed"):
        stepengine_git({"../outside": "x"})
