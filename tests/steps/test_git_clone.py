"""What a user gets from `git_clone`, from real repositories over HTTP."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stepengine.plugin import StepError
from stepengine_steps._git import command
from stepengine_steps.git import git_clone
from support.git_project import Step, Upstream, files, git, running

if TYPE_CHECKING:
    from pathlib import Path

    from support.git_server import GitServer

pytest_plugins = ["support.git_fixtures"]


def depth(clone: Path) -> int:
    return int(git("rev-list", "--count", "HEAD", cwd=clone))


# What Prefect 3.8.8 gave for the same inputs, run by hand.
PREFECT_OUTPUTS: list[tuple[str, dict[str, Any], str]] = [
    ("demo.git", {}, "demo"),
    ("demo.git", {"branch": "main"}, "demo-main"),
    ("demo.git", {"branch": "feature/new-thing"}, "demo-feature-new-thing"),
    ("demo.git", {"branch": "v1.0"}, "demo-v1.0"),
    ("demo.git", {"branch": ""}, "demo"),
    ("demo.git", {"branch": "main", "access_token": None, "include_submodules": True}, "demo-main"),
    ("demo.git", {"commit_sha": "COMMIT"}, "demo"),
    ("demo.git", {"directories": ["shared"]}, "demo"),
    ("demo.git", {"clone_directory_name": "mine"}, "mine"),
    ("demo.git", {"clone_directory_name": "a/b"}, os.path.join("a", "b")),
    ("demo.git", {"clone_directory_name": "./x/"}, "x"),
    ("my.github.io.git", {}, "myhub.io"),
    ("sp ace.git", {}, "sp ace"),
    ("plain", {}, "plain"),
]


@pytest.mark.parametrize(("name", "inputs", "directory"), PREFECT_OUTPUTS)
def test_outputs_are_those_of_prefect(
    name: str, inputs: dict[str, Any], directory: str, upstream: Upstream, clone: Step
) -> None:
    commit = upstream.commit("third", {}, branch="feature/new-thing")
    git("tag", "v1.0", cwd=upstream.work)
    git("push", "-q", "origin", "v1.0", cwd=upstream.work)
    if name != "demo.git":
        upstream.bare.rename(upstream.bare.with_name(name))
    inputs = {key: commit if value == "COMMIT" else value for key, value in inputs.items()}
    repository = (upstream.bare.parent / name).as_uri().replace("%20", " ")
    assert git_clone(repository, **inputs, context=clone.context) == {"directory": directory}
    assert (clone.directory / directory / "flows.py").read_text() == "two"


def test_only_the_latest_commit_is_fetched(server: GitServer, upstream: Upstream, clone: Step) -> None:
    made = clone(server.url("demo.git"))
    assert files(made) == ["flows.py", "other/b.txt", "shared/a.txt"]
    assert depth(made) == 1
    assert git("status", "--porcelain", "--branch", cwd=made) == "## main...origin/main"
    assert git("remote", "get-url", "origin", cwd=made) == server.url("demo.git")
    assert clone.entries == ["demo"]


def test_a_path_and_a_relative_path_are_repositories(upstream: Upstream, clone: Step) -> None:
    made = clone(str(upstream.bare))
    assert depth(made) == 1
    relative = os.path.relpath(upstream.bare, clone.directory)
    assert clone(relative, clone_directory_name="again").name == "again"
    # The second run finds the same repository again.
    assert clone(relative, clone_directory_name="again").name == "again"


def test_progress_and_result_are_reported(server: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(server.url("demo.git"), branch="main")
    assert "Receiving objects" in clone.reported("progress")
    output = clone.reported("output")
    assert "cloning" in output
    assert f"at main {git('rev-parse', '--short', 'HEAD', cwd=upstream.work)}" in output
    assert ".stepengine-clone" not in output


def test_a_sparse_clone_has_the_wanted_directories_and_what_is_at_the_top(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    made = clone(server.url("demo.git"), directories=["shared/"])
    assert files(made) == ["flows.py", "shared/a.txt"]
    # Changed and widened, then left away.
    assert files(clone(server.url("demo.git"), directories=["other"])) == ["flows.py", "other/b.txt"]
    assert files(clone(server.url("demo.git"))) == ["flows.py", "other/b.txt", "shared/a.txt"]


def test_a_sparse_clone_fetches_no_file_that_it_does_not_show(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    upstream.commit("large", {"other/large.bin": os.urandom(200_000).hex()})
    made = clone(server.url("demo.git"), directories=["shared"])
    assert sum(path.stat().st_size for path in made.rglob("*.pack")) < 50_000


def test_a_wanted_directory_that_is_not_there_is_a_warning(server: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(server.url("demo.git"), directories=["sharde"])
    assert "no directory sharde" in clone.reported("warning")


def test_an_exact_commit_is_fetched_alone_and_checked_out_detached(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    made = clone(server.url("demo.git"), commit_sha=first.upper())
    assert (made / "flows.py").read_text() == "one"
    assert git("rev-parse", "HEAD", cwd=made) == first
    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=made) == "HEAD"
    assert depth(made) == 1


def test_an_abbreviated_commit_is_found(server: GitServer, upstream: Upstream, clone: Step) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    assert git("rev-parse", "HEAD", cwd=clone(server.url("demo.git"), commit_sha=first[:8])) == first


def test_a_commit_of_a_repository_with_sha256(server: GitServer, served: Path, clone: Step) -> None:
    work = served / "long"
    git("init", "-q", "-b", "main", "--object-format=sha256", str(work), cwd=served)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=work)
    first = git("rev-parse", "HEAD", cwd=work)
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=work)
    git("clone", "-q", "--bare", "long", "long.git", cwd=served)
    assert len(first) == 64
    for commit in (first, first[:12]):
        made = clone(server.url("long.git"), commit_sha=commit, clone_directory_name=commit)
        assert git("rev-parse", "HEAD", cwd=made) == first


def test_a_tag_that_is_called_like_an_abbreviation_is_not_taken_for_the_commit(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    git("tag", first[:8], "HEAD", cwd=upstream.work)
    git("tag", "abcdef", "HEAD", cwd=upstream.work)
    git("push", "-q", "origin", first[:8], "abcdef", cwd=upstream.work)
    assert git("rev-parse", "HEAD", cwd=clone(server.url("demo.git"), commit_sha=first[:8])) == first
    made = clone(server.url("demo.git"), clone_directory_name="shallow")
    assert git("rev-parse", "HEAD", cwd=made) != first
    clone(server.url("demo.git"), clone_directory_name="shallow", commit_sha=first[:8])
    assert git("rev-parse", "HEAD", cwd=made) == first
    with pytest.raises(StepError, match="there is no commit abcdef in"):
        clone(server.url("demo.git"), commit_sha="abcdef", clone_directory_name="other")


def test_an_abbreviation_of_several_commits(server: GitServer, upstream: Upstream, clone: Step) -> None:
    # Of some 300 commits, two are likely to begin with the same four digits.
    tree = git("rev-parse", "HEAD^{tree}", cwd=upstream.work)
    seen: dict[str, str] = {}
    for number in range(2000):
        commit = git("commit-tree", tree, "-m", str(number), cwd=upstream.work)
        if seen.setdefault(commit[:4], commit) != commit:
            break
    git("push", "-q", "origin", f"{seen[commit[:4]]}:refs/heads/one", f"{commit}:refs/heads/two", cwd=upstream.work)
    with pytest.raises(StepError, match="several commits of"):
        clone(server.url("demo.git"), commit_sha=commit[:4])


def test_a_commit_is_found_on_a_server_that_hands_out_branches_only(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    clone.context.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.version",  # version 2 hands out everything
        "GIT_CONFIG_VALUE_0": "0",
    }
    assert git("rev-parse", "HEAD", cwd=clone(server.url("demo.git"), commit_sha=first)) == first


@pytest.mark.parametrize("commit", ["f" * 40, "f" * 8])
def test_a_commit_that_does_not_exist(commit: str, server: GitServer, upstream: Upstream, clone: Step) -> None:
    with pytest.raises(StepError, match=f"no commit {commit}") as caught:
        clone(server.url("demo.git"), commit_sha=commit)
    assert "pushed" in caught.value.hint
    assert clone.entries == []


@pytest.mark.parametrize(("branch", "hint"), [("mian", "did you mean main?"), ("qqqqqq", "there are main")])
def test_a_branch_that_does_not_exist_has_its_near_misses_named(
    branch: str, hint: str, server: GitServer, upstream: Upstream, clone: Step
) -> None:
    with pytest.raises(StepError, match=f"no branch or tag {branch}") as caught:
        clone(server.url("demo.git"), branch=branch)
    assert caught.value.hint == hint
    assert clone.entries == []


def test_an_empty_repository_is_a_warning(server: GitServer, served: Path, tmp_path: Path, clone: Step) -> None:
    Upstream(served, tmp_path / "work", "empty")
    assert files(clone(server.url("empty.git"))) == []
    clone(server.url("empty.git"))
    assert clone.reported("warning").count("is empty") == 2


def test_a_repository_that_does_not_exist(server: GitServer, clone: Step) -> None:
    with pytest.raises(StepError, match=r"no repository http.*/nope\.git") as caught:
        clone(server.url("nope.git"))
    assert "check its name" in caught.value.hint
    assert len(server.requests) == 1


def test_submodules_come_along_when_asked_for(
    server: GitServer, served: Path, tmp_path: Path, upstream: Upstream, clone: Step
) -> None:
    inner = Upstream(served, tmp_path / "work", "inner")
    inner.commit("inner", {"deep.txt": "deep"})
    middle = Upstream(served, tmp_path / "work", "middle")
    middle.add_submodule("inner", "../inner.git")
    middle.commit("middle", {"middle.txt": "middle"})
    upstream.add_submodule("libs/middle", "../middle.git")
    upstream.commit("submodule", {})
    assert "libs/middle/middle.txt" not in files(clone(server.url("demo.git"), clone_directory_name="without"))
    made = clone(server.url("demo.git"), include_submodules=True)
    assert {"libs/middle/middle.txt", "libs/middle/inner/deep.txt"} <= set(files(made))
    # It was moved into its place; the links between it and its submodules still hold.
    assert git("status", "--porcelain", cwd=made) == ""
    assert git("status", "--porcelain", cwd=made / "libs" / "middle" / "inner") == ""


@pytest.mark.parametrize("url", ["ext::sh -c true", "file:///etc"])
def test_a_submodule_cannot_choose_a_dangerous_transport(
    url: str, server: GitServer, upstream: Upstream, clone: Step
) -> None:
    upstream.add_submodule("sub", str(upstream.bare))
    modules = upstream.work / ".gitmodules"
    modules.write_text(modules.read_text().replace(str(upstream.bare), url))
    upstream.commit("hostile", {})
    with pytest.raises(StepError, match="transport that is not allowed"):
        clone(server.url("demo.git"), include_submodules=True)
    assert clone.entries == []


def test_a_path_gets_no_submodules_from_paths_unless_the_user_allows_it(
    served: Path, tmp_path: Path, upstream: Upstream, clone: Step
) -> None:
    inner = Upstream(served, tmp_path / "work", "inner")
    inner.commit("inner", {"deep.txt": "deep"})
    upstream.add_submodule("sub", str(inner.bare))
    upstream.commit("submodule", {})
    with pytest.raises(StepError, match="transport that is not allowed"):
        clone(str(upstream.bare), include_submodules=True)
    assert clone.entries == []
    clone.context.environ["GIT_ALLOW_PROTOCOL"] = "file:https"
    assert "sub/deep.txt" in files(clone(str(upstream.bare), include_submodules=True))


def test_a_submodule_that_is_not_there_is_named(
    server: GitServer, served: Path, tmp_path: Path, upstream: Upstream, clone: Step
) -> None:
    inner = Upstream(served, tmp_path / "work", "inner")
    inner.commit("inner", {"deep.txt": "deep"})
    upstream.add_submodule("sub", "../inner.git")
    upstream.commit("submodule", {})
    inner.bare.rename(tmp_path / "gone.git")
    with pytest.raises(StepError, match=r"no repository http.*/inner\.git"):
        clone(server.url("demo.git"), include_submodules=True)


@pytest.mark.parametrize("fault", [503, 500, 429, "reset"])
def test_what_can_pass_is_tried_again(fault: int | str, server: GitServer, upstream: Upstream, clone: Step) -> None:
    server.fail(fault, times=2)
    assert files(clone(server.url("demo.git")))
    assert clone.reported("warning").count("trying again") == 2


def test_it_gives_up_after_the_third_attempt(server: GitServer, upstream: Upstream, clone: Step) -> None:
    server.fail(503, times=9)
    with pytest.raises(StepError, match=r"cannot be reached: .*503") as caught:
        clone(server.url("demo.git"))
    assert "tried 3 times" in caught.value.hint
    assert len(server.requests) == 3
    assert clone.entries == []


def test_a_transfer_that_breaks_in_the_checkout_is_tried_again(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    # Requests: the refs (2), the commit, and then the files that the sparse checkout shows.
    real = server.next_fault
    server.next_fault = lambda: "503" if len(server.requests) == 3 else real()  # type: ignore[method-assign]
    assert files(clone(server.url("demo.git"), directories=["shared"])) == ["flows.py", "shared/a.txt"]
    assert "trying again" in clone.reported("warning")


def test_a_server_that_hangs_ends_in_a_timeout(
    server: GitServer, upstream: Upstream, clone: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "TIMEOUT_SECONDS", 0.5)
    server.hold()
    with pytest.raises(StepError, match=r"took longer than 0\.5 s"):
        clone(server.url("demo.git"))
    assert clone.entries == []


def test_a_transfer_that_stalls_is_given_up_and_tried_again(
    server: GitServer, upstream: Upstream, clone: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STALL_SECONDS", 1)
    warnings: list[str] = []

    def warn(message: str) -> None:
        warnings.append(message)
        server.release()

    monkeypatch.setattr(clone.context, "warn", warn)
    server.hold()
    assert files(clone(server.url("demo.git")))
    assert "Operation too slow" in warnings[0]


def test_ctrl_c_ends_git_and_leaves_nothing(server: GitServer, upstream: Upstream, clone: Step) -> None:
    server.hold()
    seen: list[str] = []

    def interrupt() -> None:
        server.held.wait(20)
        seen.extend(running(server.origin))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        clone(server.url("demo.git"))
    watcher.join()
    assert seen, "git was not running"
    assert running(server.origin) == []
    assert clone.entries == []


def test_the_repository_of_a_hook_that_started_us_is_left_alone(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    index = upstream.work / ".git" / "index"
    before = index.read_bytes()
    clone.context.environ |= {
        "GIT_DIR": str(upstream.work / ".git"),
        "GIT_WORK_TREE": str(upstream.work),
        "GIT_INDEX_FILE": str(index),
    }
    assert files(clone(server.url("demo.git"), directories=["shared"])) == ["flows.py", "shared/a.txt"]
    assert index.read_bytes() == before


def test_the_repository_around_the_working_directory_is_left_alone(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    git("init", "-q", cwd=clone.directory.parent)
    git("config", "http.proxy", "http://127.0.0.1:9", cwd=clone.directory.parent)
    assert files(clone(server.url("demo.git")))
    clone(server.url("demo.git"))
    with pytest.raises(StepError, match="no branch or tag nope"):
        clone(server.url("demo.git"), branch="nope")


def test_no_git_is_a_clear_error(clone: Step, tmp_path: Path) -> None:
    clone.context.environ["PATH"] = str(tmp_path)
    with pytest.raises(StepError, match="no git on the PATH") as caught:
        clone("https://example.org/demo.git")
    assert "install" in caught.value.hint


def test_an_ssh_url_goes_to_ssh_in_batch_mode(clone: Step, tmp_path: Path) -> None:
    recorder(tmp_path / "bin" / "ssh", tmp_path / "calls")
    clone.context.environ["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{clone.context.environ['PATH']}"
    with pytest.raises(StepError):
        clone("git@host.invalid:owner/demo.git")
    assert "BatchMode=yes" in (tmp_path / "calls").read_text()


def test_the_users_own_ssh_command_is_kept(clone: Step, tmp_path: Path) -> None:
    recorder(tmp_path / "mine", tmp_path / "calls")
    git("config", "--file", str(clone.home / ".gitconfig"), "core.sshCommand", str(tmp_path / "mine"), cwd=tmp_path)
    with pytest.raises(StepError):
        clone("git@host.invalid:owner/demo.git")
    assert "BatchMode" not in (tmp_path / "calls").read_text()


def recorder(program: Path, calls: Path) -> None:
    """Make a program that records its arguments and fails."""
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\necho "Permission denied (publickey)." >&2\nexit 255\n')
    program.chmod(0o755)
