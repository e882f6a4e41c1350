"""Hostile inputs are refused before git starts."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stepengine.plugin import Context, StepError
from stepengine_steps import git as git_module
from stepengine_steps._git.arguments import _PLAIN_URL, check_branch, check_directories, clone_directory
from stepengine_steps._git.url import check_repository, parse_repository, same_repository
from stepengine_steps.git import git_clone
from support.git_project import git

URL = "https://host.invalid/owner/demo.git"
INPUTS = ["repository", "branch", "commit_sha", "directories", "clone_directory_name"]


class Recorded:
    """A run whose git records that it was started."""

    def __init__(self, root: Path) -> None:
        self.calls = root / "calls"
        (root / "bin").mkdir()
        program = root / "bin" / "git"
        program.write_text(f'#!/bin/sh\necho "$@" >> "{self.calls}"\nexit 1\n')
        program.chmod(0o755)
        (root / "cwd").mkdir()
        path = f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.context = Context(str(root / "cwd"), environ={**os.environ, "PATH": path})

    def refuse(self, **inputs: Any) -> StepError:
        """Run the step; expect an error, and that git was not started."""
        with pytest.raises(StepError) as caught:
            git_clone(**{"repository": URL, **inputs}, context=self.context)
        assert not self.calls.exists()
        return caught.value


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("recorded"))


def test_git_is_started_for_good_inputs(tmp_path: Path) -> None:
    good = Recorded(tmp_path)
    with pytest.raises(StepError):
        git_clone(URL, branch="main", context=good.context)
    assert good.calls.exists()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"branch": "--upload-pack=touch /tmp/owned"}, "branch may not begin with '-'"),
        ({"branch": "-b"}, "branch may not begin with '-'"),
        ({"branch": "a..b"}, "branch is no valid name"),
        ({"branch": "a b"}, "branch is no valid name"),
        ({"branch": "HEAD^{/x}"}, "branch is no valid name"),
        ({"branch": "main\n--upload-pack=x"}, "branch has a control character"),
        ({"branch": "main\0"}, "branch has a control character"),
        ({"branch": "\ud800"}, "branch has a control character"),
        ({"branch": " "}, "branch is empty"),
        ({"branch": 3.1}, "branch is no text"),
        ({"branch": "main", "commit_sha": "abcd"}, "cannot both be given"),
        ({"commit_sha": "--output=/tmp/x"}, "commit_sha may not begin with '-'"),
        ({"commit_sha": "main"}, "commit_sha is no commit's hash"),
        ({"commit_sha": "abc"}, "commit_sha is no commit's hash"),
        ({"commit_sha": "a" * 65}, "commit_sha is no commit's hash"),
        ({"commit_sha": "abcd\n"}, "commit_sha has a control character"),
        ({"directories": ["--cone"]}, "directories may not begin with '-'"),
        ({"directories": ["a/-b"]}, "directories may not have '-b'"),
        ({"directories": ["/etc"]}, "directories must be a relative path"),
        ({"directories": ["a/../../b"]}, r"directories may not have '\.\.'"),
        ({"directories": [".git"]}, r"directories may not have '\.git'"),
        ({"directories": [""]}, "directories is empty"),
        ({"directories": "src"}, "directories is no list"),
        ({"directories": [5]}, "directories is no text"),
        ({"clone_directory_name": "../up"}, r"clone_directory_name may not have '\.\.'"),
        ({"clone_directory_name": "/abs"}, "clone_directory_name must be a relative path"),
        ({"clone_directory_name": "-x"}, "clone_directory_name may not begin with '-'"),
        ({"clone_directory_name": "."}, "clone_directory_name names no directory"),
        ({"clone_directory_name": ".GIT"}, r"clone_directory_name may not have '\.GIT'"),
        ({"repository": "https://host.invalid/o/.g.gitit"}, r"no directory can be named after '\.git'"),
        ({"repository": "https://host.invalid/o/.gi.gitt.git"}, r"no directory can be named after '\.git'"),
        ({"repository": "https://host.invalid/o/.G.gitIT"}, r"no directory can be named after '\.GIT'"),
        ({"repository": "https://host.invalid/o/.git.git"}, "no directory can be named after ''"),
        ({"repository": "https://host.invalid/o/git~1"}, "no directory can be named after 'git~1'"),
        ({"clone_directory_name": "a\rb"}, "clone_directory_name has a control character"),
        ({"repository": "--upload-pack=x"}, "repository may not begin with '-'"),
        ({"repository": "ext::sh -c 'touch /tmp/owned'"}, "repository uses a transport helper"),
        ({"repository": "EXT::sh"}, "repository uses a transport helper"),
        ({"repository": "fd::17/foo"}, "repository uses a transport helper"),
        ({"repository": "ext://x/y"}, "repository has an unknown scheme"),
        ({"repository": "ftp://h.org/r"}, "repository has an unknown scheme"),
        ({"repository": "https://"}, "repository has no valid host"),
        ({"repository": "https://host/"}, "repository has no path"),
        ({"repository": "https://host:port/r"}, "repository is no valid URL"),
        ({"repository": "https://[::1/r"}, "repository is no valid URL"),
        ({"repository": "https://host/%0ahost=evil/r"}, "repository has an encoded control character"),
        ({"repository": "ssh://-oProxyCommand=x/r"}, "repository has no valid host"),
        ({"repository": "ssh://-oProxyCommand=x@h/r"}, "user may not begin with '-'"),
        ({"repository": "ssh://%2DoProxyCommand=x@h/r"}, "user may not begin with '-'"),
        ({"repository": "ssh://user:secret@h/r"}, "a password in an ssh URL"),
        ({"repository": "git@-oProxyCommand=x:r"}, "repository is no valid URL"),
        ({"repository": "git@host:-r"}, "path may not begin with '-'"),
        ({"repository": "git@host:"}, "repository is no valid URL"),
        ({"repository": ""}, "repository is empty"),
        ({"repository": None}, "repository is no text"),
        ({"repository": "/nowhere/demo"}, "repository does not exist"),
        ({"repository": "file:///nowhere/demo"}, "repository does not exist"),
        ({"repository": "file://host/demo"}, "a file URL with a host"),
    ],
)
def test_what_git_could_misunderstand_never_reaches_it(
    inputs: dict[str, Any], message: str, recorded: Recorded
) -> None:
    error = recorded.refuse(**inputs)
    with pytest.raises(StepError, match=message):
        raise error
    assert error.hint


DOT_GIT = st.tuples(
    st.sampled_from([".git", ".GIT", ".giT", "git~1", "GIT~1", ".g\u200cit", "\ufeff.git", ".git\u202e"]),
    st.text(alphabet=" .", max_size=3),
    st.sampled_from(["", ":", "::$INDEX_ALLOCATION", ":stream", "\\hooks"]),
).map("".join)


@given(name=DOT_GIT | st.text(alphabet=".git~1G \u200d:\\", min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_no_spelling_of_gits_own_directory_that_git_refuses_is_a_directory(name: str, index: Path) -> None:
    if not refused_by_git(name, index) or name == ".":
        return
    for check in (check_directories, lambda names: clone_directory(URL, None, names[0])):
        with pytest.raises(StepError, match="may not have"):
            check([f"a/{name}/b"])


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", ".git. .", ".g\u200cit", ".git::$INDEX_ALLOCATION", ".git "])
def test_the_git_of_the_tests_refuses_spellings_of_its_own_directory(name: str, index: Path) -> None:
    assert refused_by_git(name, index)
    with pytest.raises(StepError, match="may not have"):
        check_directories([name])


def refused_by_git(name: str, index: Path) -> bool:
    entry = f"100644,{'1' * 40},{name}"
    command = ["git", "-c", "core.protectNTFS=true", "-c", "core.protectHFS=true", "update-index", "--add"]
    done = subprocess.run([*command, "--cacheinfo", entry], cwd=index, capture_output=True, check=False)
    return done.returncode != 0


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("index")
    git("init", "-q", cwd=made)
    return made


@pytest.mark.parametrize("name", [".gitignore", ".github", "git", "git~2", "a.git", ".git-x", ".gitmodules"])
def test_a_name_that_only_begins_like_gits_own_directory_is_one(name: str) -> None:
    assert check_directories([name]) == [name]


def test_what_is_wrong_in_a_file_is_told_before_the_run() -> None:
    check = git_clone.__step__.check  # type: ignore[attr-defined]
    assert check({"repository": URL, "branch": "{{ $BRANCH }}", "commit_sha": None, "directories": ["src"]}) == []
    problems = check({"branch": "-x", "commit_sha": "main", "directories": ["/a"], "clone_directory_name": "{{ x }}"})
    assert len(problems) == 4
    assert "cannot both be given" in problems[0]


@pytest.mark.parametrize(
    "repository", ["ftp://user:pw@host/x", "ext::sh -c id", "-x", "https://host", "ssh://u:pw@h/x"]
)
def test_a_repository_that_git_cannot_clone_safely_is_told_before_the_run(repository: str) -> None:
    (problem,) = git_clone.__step__.check({"repository": repository})  # type: ignore[attr-defined]
    assert "pw" not in problem


@pytest.mark.parametrize("repository", [URL, "git@host:o/n", "./not/there", "file:///not/there", "{{ x }}", "host/x"])
def test_a_repository_is_not_looked_for_before_the_run(repository: str) -> None:
    assert git_clone.__step__.check({"repository": repository}) == []  # type: ignore[attr-defined]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=4)


@given(st.dictionaries(st.sampled_from([*INPUTS, "repository", "access_token", "credentials"]), JSON))
def test_any_inputs_of_a_file_are_problems_or_none(inputs: dict[str, Any]) -> None:
    problems = git_clone.__step__.check(inputs)  # type: ignore[attr-defined]
    assert all(problem and "\n" not in problem for problem in problems)


@given(st.from_regex(_PLAIN_URL, fullmatch=True))
def test_a_url_that_is_not_looked_at_closely_would_pass(url: str) -> None:
    check_repository(url)


def test_a_url_without_scheme_is_recognised(recorded: Recorded) -> None:
    assert recorded.refuse(repository="github.com/owner/demo").hint == "did you mean https://github.com/owner/demo?"


@pytest.mark.parametrize(
    "repository", ["https://user:secret@host\x01/r", "zzz://user:secret@host/r", "x::a://b:secret@c"]
)
def test_a_refused_url_does_not_show_its_password(repository: str, recorded: Recorded) -> None:
    error = recorded.refuse(repository=repository)
    assert "secret" not in f"{error.message}{error.hint}"


CONTROL = st.sampled_from([chr(code) for code in (*range(0x20), 0x7F)])
OPTIONS = st.text(max_size=30).map("-{}".format)
BROKEN = st.tuples(st.text(max_size=15), CONTROL, st.text(max_size=15)).map("".join)


@given(name=st.sampled_from(INPUTS), value=OPTIONS | BROKEN | st.just("--upload-pack=sh"))
def test_no_option_and_no_control_character_reaches_git(name: str, value: str, recorded: Recorded) -> None:
    recorded.refuse(**{name: [value] if name == "directories" else value})


@given(st.text(alphabet="ab/.@{}~^:?*[\\ -" + "lock" + "é", min_size=1, max_size=8))
@example("a.lock")
@example("a.lock/b")
@example("@{")
@example(".a/b")
@example("a/.b")
@settings(max_examples=150, deadline=None)
def test_the_rules_for_names_are_those_of_git(name: str) -> None:
    command = ["git", "check-ref-format", f"refs/heads/{name}"]
    git_allows = subprocess.run(command, check=False).returncode == 0
    if name == "@" or name.startswith("-"):
        git_allows = False  # as a name of its own, which is what `git branch` checks
    try:
        check_branch(name)
    except StepError:
        assert not git_allows
    else:
        assert git_allows


@given(st.text(alphabet="a./\\-:", max_size=12))
def test_no_directory_leaves_the_working_directory(name: str) -> None:
    root = Path("/root/of/all")
    try:
        directory = clone_directory(URL, None, name)
    except StepError:
        return
    place = Path(os.path.normpath(root / directory))
    assert place != root
    assert root in place.parents


@given(st.text(max_size=40))
def test_any_text_is_a_repository_or_a_step_error(text: str) -> None:
    try:
        repository = parse_repository(text, "/")
    except StepError:
        return
    assert not repository.url.startswith("-")
    assert same_repository(repository.url, repository, "/")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r"),
        ("https://github.com/o/r.git", "https://GitHub.com:443/o/r/"),
        ("https://github.com/o/r.git", "https://token@github.com/o/r.git"),
        ("https://github.com/o/r.git", "git@github.com:o/r.git"),
        ("ssh://git@github.com/o/r.git", "git@github.com:o/r.git"),
    ],
)
def test_spellings_of_one_repository(one: str, other: str) -> None:
    assert same_repository(one, parse_repository(other, "/"), "/")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/R.git"),
        ("https://github.com/o/r.git", "https://gitlab.com/o/r.git"),
        ("https://github.com/o/r.git", "https://github.com:8443/o/r.git"),
        ("ext::sh -c true", "https://github.com/o/r.git"),
    ],
)
def test_different_repositories(one: str, other: str) -> None:
    assert not same_repository(one, parse_repository(other, "/"), "/")


def test_segments_that_say_nothing_are_dropped() -> None:
    assert check_directories(["./a//b/", "c"]) == ["a/b", "c"]


def test_a_trailing_slash_does_not_take_the_name_away() -> None:
    assert clone_directory("https://h.org/owner/demo.git/", "dev", None) == "demo-dev"


def test_the_module_of_the_step_imports_nothing_heavy() -> None:
    tree = ast.parse(Path(git_module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"__future__", "os", "typing", "stepengine.plugin"}


def test_the_test_server_serves_a_directory_by_hand(tmp_path: Path) -> None:
    git("init", "-q", "--bare", "demo.git", cwd=tmp_path)
    script = Path(__file__).parents[1] / "support" / "git_server.py"
    command = [sys.executable, str(script), str(tmp_path), "--port", "0", "--user", "ada", "--password", "pw"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        try:
            assert git("ls-remote", url.replace("://", "://ada:pw@"), cwd=tmp_path) == ""
        finally:
            running.terminate()
    assert url.endswith("/demo.git")
