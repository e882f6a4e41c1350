"""What happens when something is where the clone goes: an update, or a clear error; never a loss."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stepengine.plugin import StepError
from support.git_project import Step, Upstream, files, git

if TYPE_CHECKING:
    from pathlib import Path

    from support.git_server import GitServer

pytest_plugins = ["support.git_fixtures"]


def test_a_clone_is_updated_to_the_latest_commit(server: GitServer, upstream: Upstream, clone: Step) -> None:
    made = clone(server.url("demo.git"))
    (made / "data.csv").write_text("made by a flow")
    latest = upstream.commit("third", {"flows.py": "three", "new.txt": "new"})
    assert clone(server.url("demo.git")) == made
    assert git("rev-parse", "HEAD", cwd=made) == latest
    assert (made / "flows.py").read_text() == "three"
    assert (made / "data.csv").read_text() == "made by a flow"
    assert git("rev-list", "--count", "HEAD", cwd=made) == "1"
    assert git("status", "--porcelain", "--branch", cwd=made) == "## main...origin/main\n?? data.csv"


def test_a_clone_that_is_up_to_date_fetches_nothing(server: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(server.url("demo.git"))
    server.requests.clear()
    clone(server.url("demo.git"))
    # Asking for the branch takes a GET and, in protocol version 2, a POST.
    assert [request.method for request in server.requests] == ["GET", "POST"]


def test_a_file_that_was_deleted_upstream_goes(server: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(server.url("demo.git"))
    (upstream.work / "other" / "b.txt").unlink()
    upstream.commit("less", {})
    assert files(clone(server.url("demo.git"))) == ["flows.py", "shared/a.txt"]


def test_a_branch_that_was_rewritten_upstream_is_followed(server: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(server.url("demo.git"))
    git("reset", "-q", "--hard", "HEAD~1", cwd=upstream.work)
    latest = upstream.commit("instead", {"flows.py": "instead"})
    assert git("rev-parse", "HEAD", cwd=clone(server.url("demo.git"))) == latest


def test_the_same_directory_can_go_from_branch_to_tag_to_commit(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    git("tag", "-a", "-m", "release", "v1", cwd=upstream.work)
    git("push", "-q", "origin", "v1", cwd=upstream.work)
    third = upstream.commit("third", {"flows.py": "three"}, branch="develop")
    url, name = server.url("demo.git"), "here"
    for inputs, text in [
        ({}, "two"),
        ({"branch": "develop"}, "three"),
        ({"branch": "v1"}, "two"),
        ({"commit_sha": first}, "one"),
        ({"commit_sha": third[:10]}, "three"),
        ({"commit_sha": first[:10]}, "one"),
        ({"branch": "main"}, "two"),
        ({}, "two"),
    ]:
        made = clone(url, clone_directory_name=name, **inputs)
        assert (made / "flows.py").read_text() == text, inputs


def test_a_whole_clone_of_the_user_stays_whole(server: GitServer, upstream: Upstream, clone: Step) -> None:
    git("clone", "-q", server.url("demo.git"), "demo", cwd=clone.directory)
    upstream.commit("third", {"flows.py": "three"})
    assert git("rev-list", "--count", "HEAD", cwd=clone(server.url("demo.git"))) == "3"


@pytest.mark.parametrize("spelling", ["/demo.git/", "/demo.git", "/./demo.git"])
def test_another_spelling_of_the_url_is_the_same_repository(
    spelling: str, server: GitServer, upstream: Upstream, clone: Step
) -> None:
    clone(server.url("demo.git"))
    if spelling == "/./demo.git":
        with pytest.raises(StepError, match="another repository"):
            clone(server.origin + spelling)
    else:
        clone(server.origin + spelling)
        clone(server.url("demo.git", "somebody"))


def test_a_change_that_the_update_does_not_touch_is_kept(server: GitServer, upstream: Upstream, clone: Step) -> None:
    made = clone(server.url("demo.git"))
    (made / "other" / "b.txt").write_text("mine")
    upstream.commit("third", {"flows.py": "three"})
    clone(server.url("demo.git"))
    assert (made / "flows.py").read_text() == "three"
    assert (made / "other" / "b.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["flows.py", "new.txt"])
def test_a_change_in_the_way_is_an_error_that_names_the_file(
    name: str, server: GitServer, upstream: Upstream, clone: Step
) -> None:
    made = clone(server.url("demo.git"))
    (made / name).write_text("mine")
    upstream.commit("third", {name: "theirs"})
    with pytest.raises(StepError, match=f"in the way of the update: {name}") as caught:
        clone(server.url("demo.git"))
    assert "remove the directory" in caught.value.hint
    assert (made / name).read_text() == "mine"


def test_a_commit_that_only_the_clone_has_is_never_left_behind(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    made = clone(server.url("demo.git"))
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=made)
    mine = git("rev-parse", "HEAD", cwd=made)
    upstream.commit("third", {"flows.py": "three"})
    for inputs in ({}, {"commit_sha": git("rev-parse", "HEAD", cwd=upstream.work)}):
        with pytest.raises(StepError, match=r"demo has 1 commit that .* does not have") as caught:
            clone(server.url("demo.git"), **inputs)
        assert "push" in caught.value.hint
        assert git("rev-parse", "HEAD", cwd=made) == mine


def test_submodules_are_updated_too(
    server: GitServer, served: Path, tmp_path: Path, upstream: Upstream, clone: Step
) -> None:
    inner = Upstream(served, tmp_path / "work", "inner")
    inner.commit("inner", {"deep.txt": "old"})
    upstream.add_submodule("sub", "../inner.git")
    upstream.commit("submodule", {})
    made = clone(server.url("demo.git"), include_submodules=True)
    inner.commit("inner", {"deep.txt": "new"})
    git("-C", "sub", "pull", "-q", "origin", "main", cwd=upstream.work)
    upstream.commit("newer submodule", {})
    clone(server.url("demo.git"), include_submodules=True)
    assert (made / "sub" / "deep.txt").read_text() == "new"


def test_a_branch_that_is_gone_leaves_the_clone_as_it_was(server: GitServer, upstream: Upstream, clone: Step) -> None:
    made = clone(server.url("demo.git"), clone_directory_name="here")
    before = files(made), git("rev-parse", "HEAD", cwd=made)
    with pytest.raises(StepError, match="no branch or tag mian") as caught:
        clone(server.url("demo.git"), clone_directory_name="here", branch="mian")
    assert caught.value.hint == "did you mean main?"
    with pytest.raises(StepError, match="no commit ffff"):
        clone(server.url("demo.git"), clone_directory_name="here", commit_sha="f" * 40)
    assert (files(made), git("rev-parse", "HEAD", cwd=made)) == before


def test_an_update_is_tried_again_too(server: GitServer, upstream: Upstream, clone: Step) -> None:
    made = clone(server.url("demo.git"))
    upstream.commit("third", {"flows.py": "three"})
    server.fail(503, times=2)
    clone(server.url("demo.git"))
    assert (made / "flows.py").read_text() == "three"


def test_an_old_commit_is_found_on_a_server_that_hands_out_branches_only(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    git("config", "--file", str(clone.home / ".gitconfig"), "protocol.version", "0", cwd=clone.home)
    clone(server.url("demo.git"))
    assert git("rev-parse", "HEAD", cwd=clone(server.url("demo.git"), commit_sha=first)) == first


def test_a_clone_of_another_user_is_an_error_that_git_explains(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    clone(server.url("demo.git"))
    # What git does where the owner differs, without being root to change the owner.
    clone.context.environ["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    with pytest.raises(StepError, match="belongs to another user") as caught:
        clone(server.url("demo.git"))
    assert "safe.directory" in caught.value.output


def test_two_runs_in_one_directory_both_succeed(server: GitServer, upstream: Upstream, clone: Step) -> None:
    server.hold()

    def be_faster() -> None:
        server.held.wait(20)
        git("clone", "-q", str(upstream.bare), "demo", cwd=clone.directory)
        git("remote", "set-url", "origin", server.url("demo.git"), cwd=clone.directory / "demo")
        server.release()

    other = threading.Thread(target=be_faster)
    other.start()
    made = clone(server.url("demo.git"))
    other.join()
    assert clone.entries == ["demo"]
    assert (made / "flows.py").read_text() == "two"


def put_file(place: Path, _other: Path) -> None:
    place.write_text("mine")


def put_directory(place: Path, _other: Path) -> None:
    (place / "sub").mkdir(parents=True)


def put_other_clone(place: Path, other: Path) -> None:
    git("clone", "-q", str(other), str(place), cwd=place.parent)


def put_new_repository(place: Path, _other: Path) -> None:
    git("init", "-q", "--", str(place), cwd=place.parent)


def put_bare_repository(place: Path, _other: Path) -> None:
    git("init", "-q", "--bare", "--", str(place), cwd=place.parent)


def put_broken_repository(place: Path, other: Path) -> None:
    put_other_clone(place, other)
    (place / ".git" / "HEAD").unlink()


def put_broken_config(place: Path, other: Path) -> None:
    put_other_clone(place, other)
    (place / ".git" / "config").write_text("garbage")


def put_link_out(place: Path, other: Path) -> None:
    place.symlink_to(other, target_is_directory=True)


def put_dangling_link(place: Path, _other: Path) -> None:
    place.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("put", "message"),
    [
        (put_file, "demo is in the way: it is no directory"),
        (put_directory, "demo is in the way: it is no git repository, and not empty"),
        (put_other_clone, "demo is in the way: it is a clone of another repository"),
        (put_new_repository, "demo is in the way: it is a git repository without a remote 'origin'"),
        (put_bare_repository, "demo is in the way: it is a"),
        (put_broken_repository, "demo is in the way: it is no git repository"),
        (put_broken_config, "demo is in the way: its .git/config cannot be read"),
        (put_link_out, "demo is a link out of the working directory"),
        (put_dangling_link, "demo is in the way: it is no directory"),
    ],
)
def test_anything_else_in_the_way_is_a_clear_error_and_stays(
    put: Any, message: str, server: GitServer, upstream: Upstream, served: Path, tmp_path: Path, clone: Step
) -> None:
    other = Upstream(served, tmp_path / "work", "other")
    other.commit("other", {"other.txt": "other"})
    place = clone.directory / "demo"
    put(place, other.bare)
    before = sorted(str(path) for path in clone.directory.rglob("*"))
    with pytest.raises(StepError, match=message) as caught:
        clone(server.url("demo.git"))
    assert "clone_directory_name" in caught.value.hint
    assert sorted(str(path) for path in clone.directory.rglob("*")) == before
    assert server.requests == []


def test_an_empty_directory_is_filled(server: GitServer, upstream: Upstream, clone: Step) -> None:
    place = clone.directory / "demo"
    place.mkdir()
    inode = place.stat().st_ino
    assert files(clone(server.url("demo.git")))
    assert place.stat().st_ino == inode
    assert sorted(os.listdir(place)) == [".git", "flows.py", "other", "shared"]


def test_an_empty_directory_is_empty_again_after_a_failure(server: GitServer, upstream: Upstream, clone: Step) -> None:
    (clone.directory / "demo").mkdir()
    server.fail(404)
    with pytest.raises(StepError):
        clone(server.url("demo.git"))
    assert os.listdir(clone.directory / "demo") == []


def test_a_failure_leaves_no_directory_and_the_next_run_succeeds(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    server.fail(404)
    with pytest.raises(StepError):
        clone(server.url("demo.git"), clone_directory_name="deep/down")
    assert list((clone.directory / "deep").iterdir()) == []
    assert files(clone(server.url("demo.git"), clone_directory_name="deep/down"))


def test_a_clone_has_the_usual_permissions(server: GitServer, upstream: Upstream, clone: Step) -> None:
    # It was made in a directory that only its owner may enter.
    mask = os.umask(0o022)
    try:
        assert clone(server.url("demo.git")).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(mask)


def test_a_working_directory_that_cannot_be_written(server: GitServer, upstream: Upstream, clone: Step) -> None:
    (clone.directory / "file").write_text("")
    with pytest.raises(StepError, match="cannot write the clone") as caught:
        clone(server.url("demo.git"), clone_directory_name="file/demo")
    assert caught.value.hint
    with pytest.raises(StepError, match=r"cannot write the clone: x*: File name too long"):
        clone(server.url("demo.git"), clone_directory_name="x" * 256)
    assert clone.entries == ["file"]
    shutil.rmtree(clone.directory)
    with pytest.raises(StepError):
        clone(server.url("demo.git"))


def test_a_branch_called_none_of_the_users_does_not_keep_a_commit_from_being_checked_out(
    server: GitServer, upstream: Upstream, clone: Step
) -> None:
    made = clone(server.url("demo.git"))
    git("checkout", "-q", "-b", "None", cwd=made)
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=made)
    git("checkout", "-q", "main", cwd=made)
    wanted = upstream.commit("third", {"flows.py": "three"})
    assert (clone(server.url("demo.git"), commit_sha=wanted) / "flows.py").read_text() == "three"
