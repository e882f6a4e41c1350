"""A token reaches the server, and nothing and nobody else."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from stepengine.plugin import StepError
from stepengine_steps._git.credentials import find_login
from stepengine_steps._git.url import parse_repository
from support.git_project import TOKEN, Step, Upstream, command_lines, files, git
from support.git_server import GitServer

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["support.git_fixtures"]

HEADER = base64.b64encode(f"{TOKEN}:".encode()).decode()
FORMS = [TOKEN, quote(TOKEN, safe=""), HEADER]


class Sampler:
    """Collects the command lines of all processes while it is entered."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Sampler:  # noqa: PYI034 - Self is not in Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.002):
            self.seen.update(command_lines())


def holders(*roots: Path) -> list[str]:
    """Give the files that hold the token in some form."""
    return [
        str(path)
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and any(form.encode() in path.read_bytes() for form in FORMS)
    ]


@pytest.fixture
def with_submodule(served: Path, tmp_path: Path, upstream: Upstream) -> Upstream:
    Upstream(served, tmp_path / "work", "inner").commit("inner", {"deep.txt": "deep"})
    upstream.add_submodule("sub", "../inner.git")
    upstream.commit("submodule", {})
    return upstream


@pytest.mark.parametrize(
    ("userinfo", "inputs"),
    [
        ("", {"access_token": TOKEN}),
        ("", {"access_token": f"{TOKEN}\n"}),
        ("", {"credentials": {"token": TOKEN}}),
        ("git", {"credentials": {"token": f"{TOKEN}:"}}),
        (quote(TOKEN, safe=""), {}),
        (f"{quote(TOKEN, safe='')}:", {"access_token": None}),
        ("somebody:else", {"access_token": f"{TOKEN}:"}),
    ],
)
def test_a_token_opens_a_private_repository_and_its_submodules_and_shows_nowhere(
    userinfo: str, inputs: dict[str, Any], private: GitServer, with_submodule: Upstream, clone: Step
) -> None:
    private.hold()
    with Sampler() as sampler:

        def let_go() -> None:
            private.held.wait(20)
            private.release()

        threading.Thread(target=let_go).start()
        made = clone(private.url("demo.git", userinfo), include_submodules=True, **inputs)
    assert "sub/deep.txt" in files(made)
    assert any("git-remote-http" in line and private.origin in line for line in sampler.seen)
    assert [line for line in sampler.seen for form in FORMS if form in line] == []
    assert holders(clone.directory, clone.home) == []
    shown = [data for kind, data in clone.events if kind != "secret"]
    assert [data for data in shown for form in FORMS if form in str(data)] == []
    assert TOKEN in clone.reported("secret")


@pytest.mark.parametrize("kind", ["sparse", "commit", "abbreviated"])
def test_a_token_opens_a_private_repository_for_every_kind_of_clone(
    kind: str, private: GitServer, upstream: Upstream, clone: Step
) -> None:
    first = git("rev-parse", "HEAD~1", cwd=upstream.work)
    inputs = {
        "sparse": {"directories": ["shared"]},
        "commit": {"commit_sha": first},
        "abbreviated": {"commit_sha": first[:9]},
    }[kind]
    made = clone(private.url("demo.git"), access_token=TOKEN, **inputs)
    assert "shared/a.txt" in files(made)
    upstream.commit("third", {"shared/a.txt": "new"})
    clone(private.url("demo.git"), access_token=TOKEN, clone_directory_name="demo")
    assert (made / "shared" / "a.txt").read_text() == "new"
    assert holders(clone.directory, clone.home) == []


def test_every_form_of_a_token_is_declared_a_secret(private: GitServer, upstream: Upstream, clone: Step) -> None:
    clone(private.url("demo.git"), access_token=TOKEN)
    declared = {data["value"] for kind, data in clone.events if kind == "secret"}
    assert set(FORMS) <= declared


def test_wrong_credentials_are_tried_once_and_not_shown(private: GitServer, upstream: Upstream, clone: Step) -> None:
    wrong = "wrong-token-of-somebody"
    with pytest.raises(StepError, match="refuses the credentials") as caught:
        clone(private.url("demo.git"), access_token=wrong)
    assert wrong not in f"{caught.value.message}{caught.value.hint}{caught.value.output}"
    # git asks without credentials first, then with them, and then gives them up.
    assert [request.login for request in private.requests] == [None, f"{wrong}:"]
    assert clone.entries == []


def test_missing_credentials_are_asked_of_nobody(private: GitServer, upstream: Upstream, clone: Step) -> None:
    with pytest.raises(StepError, match="asks for credentials") as caught:
        clone(private.url("demo.git"))
    assert "access_token" in caught.value.hint
    assert len(private.requests) == 1


def test_the_users_own_credential_helper_is_used_without_a_token(
    private: GitServer, upstream: Upstream, clone: Step
) -> None:
    store = clone.home / "store"
    store.write_text(private.url("", quote(TOKEN, safe="") + ":x").rstrip("/") + "\n")
    private.logins.add(f"{TOKEN}:x")
    git(
        "config", "--file", str(clone.home / ".gitconfig"), "credential.helper", f"store --file {store}", cwd=clone.home
    )
    assert files(clone(private.url("demo.git")))


def test_the_users_own_credential_helper_is_asked_for_the_user_in_the_url(
    private: GitServer, upstream: Upstream, clone: Step
) -> None:
    store = clone.home / "store"
    logins = [private.url("", userinfo).rstrip("/") for userinfo in ("bob:wrong", "ada:right", "eve:wrong")]
    store.write_text("\n".join(logins) + "\n")
    private.logins = {"ada:right"}
    git(
        "config", "--file", str(clone.home / ".gitconfig"), "credential.helper", f"store --file {store}", cwd=clone.home
    )
    made = clone(private.url("demo.git", "ada"))
    assert git("remote", "get-url", "origin", cwd=made) == private.url("demo.git")
    assert "ada" not in clone.reported("secret")


def test_the_users_own_credential_helper_never_sees_a_token_of_the_step(
    private: GitServer, upstream: Upstream, clone: Step
) -> None:
    store = clone.home / "store"
    git(
        "config", "--file", str(clone.home / ".gitconfig"), "credential.helper", f"store --file {store}", cwd=clone.home
    )
    clone(private.url("demo.git"), access_token=TOKEN)
    assert not store.exists()


def test_a_token_does_not_follow_a_redirect_to_another_host(
    private: GitServer, server: GitServer, upstream: Upstream, clone: Step
) -> None:
    # Regression: as http.<url>.extraHeader, git sent the token with its POST to the other host.
    server.redirect_to = private.origin
    with pytest.raises(StepError):
        clone(server.url("demo.git"), access_token=TOKEN)
    assert {request.login for request in private.requests} == {None}


def test_a_token_follows_a_redirect_on_its_own_host(private: GitServer, upstream: Upstream, clone: Step) -> None:
    renamed = upstream.bare.with_name("renamed.git")
    upstream.bare.rename(renamed)
    private.moved["/demo.git"] = "/renamed.git"
    assert files(clone(private.url("demo.git"), access_token=TOKEN))


def test_a_submodule_on_another_host_gets_no_token(
    private: GitServer, served: Path, tmp_path: Path, upstream: Upstream, clone: Step
) -> None:
    Upstream(served, tmp_path / "work", "inner").commit("inner", {"deep.txt": "deep"})
    with GitServer(served, {"nobody:"}) as stranger:
        upstream.add_submodule("sub", "../inner.git")
        git("config", "--file", ".gitmodules", "submodule.sub.url", stranger.url("inner.git"), cwd=upstream.work)
        upstream.commit("submodule elsewhere", {})
        with pytest.raises(StepError):
            clone(private.url("demo.git"), access_token=TOKEN, include_submodules=True)
        assert {request.login for request in stranger.requests} == {None}
    assert clone.entries == []


def test_a_token_that_an_earlier_tool_left_in_the_clone_is_taken_out(
    private: GitServer, upstream: Upstream, clone: Step
) -> None:
    git("clone", "-q", private.url("demo.git", quote(TOKEN, safe="")), "demo", cwd=clone.directory)
    assert holders(clone.directory)
    clone(private.url("demo.git"), access_token=TOKEN)
    assert holders(clone.directory) == []
    assert "took the credentials out of" in clone.reported("warning")


def test_credentials_do_nothing_for_ssh_and_that_is_said(upstream: Upstream, clone: Step) -> None:
    clone(str(upstream.bare), access_token=TOKEN)
    assert "credentials are not used" in clone.reported("warning")


@pytest.mark.parametrize(
    ("url", "inputs", "login"),
    [
        ("https://github.com/o/r.git", {"access_token": "t"}, "t:"),
        ("https://github.com/o/r.git", {"credentials": {"token": "t"}}, "t:"),
        ("https://gitlab.com/o/r.git", {"access_token": "t"}, "oauth2:t"),
        ("https://gitlab.example.org/o/r.git", {"credentials": {"token": "t"}}, "oauth2:t"),
        ("https://gitlab.com/o/r.git", {"access_token": "oauth2:t"}, "oauth2:t"),
        ("https://gitlab.com/o/r.git", {"access_token": "deploy:t"}, "deploy:t"),
        ("https://bitbucket.org/o/r.git", {"access_token": "t"}, "x-token-auth:t"),
        ("https://bitbucket.org/o/r.git", {"access_token": "x-token-auth:t"}, "x-token-auth:t"),
        ("https://bitbucket.org/o/r.git", {"credentials": {"username": "u", "password": "p"}}, "u:p"),
        ("https://bitbucket.org/o/r.git", {"credentials": {"token": "t", "username": None}}, "x-token-auth:t"),
        ("https://bitbucketserver.example.org/o/r.git", {"access_token": "u:t"}, "u:t"),
        ("https://git.example.org/o/r.git", {"credentials": {"username": "u", "access_token": "t"}}, "u:t"),
        (
            "https://git.example.org/o/r.git",
            {"credentials": {"access_token": "a", "token": "t", "password": "p"}},
            "a:",
        ),
        ("https://user:p%40ss@git.example.org/o/r.git", {}, "user:p@ss"),
        (f"https://{'t' * 20}@git.example.org/o/r.git", {}, "t" * 20 + ":"),
        ("https://org@dev.azure.com/org/p/_git/r", {"access_token": "t"}, "org:t"),
        ("https://a:b@git.example.org/o/r.git", {"access_token": "t"}, "t:"),
        ("https://a:b@git.example.org/o/r.git", {"credentials": {"username": "u", "password": "p"}}, "u:p"),
    ],
)
def test_each_host_gets_its_form_of_login(url: str, inputs: dict[str, Any], login: str, tmp_path: Path) -> None:
    repository = parse_repository(url, str(tmp_path))
    found = find_login(repository, inputs.get("access_token"), inputs.get("credentials"))
    assert found is not None
    assert f"{found.username}:{found.password}" == login
    assert "@" not in repository.url


@pytest.mark.parametrize(
    ("url", "inputs", "message"),
    [
        ("https://h.org/r", {"access_token": "t", "credentials": {"token": "t"}}, "cannot both be given"),
        ("https://h.org/r", {"credentials": {"username": "u"}}, "no token and no password"),
        ("https://h.org/r", {"credentials": {"token": 5}}, "credentials.token is no text"),
        ("https://h.org/r", {"credentials": "block"}, "no mapping"),
        ("https://h.org/r", {"access_token": "a\nb"}, "character in them that cannot be sent"),
        ("https://h.org/r", {"access_token": "a\udc80b"}, "character in them that cannot be sent"),
        ("https://a%0Ab:c@h.org/r", {}, "control character"),
        ("https://bitbucketserver.h.org/r", {"access_token": "t"}, "needs a user name"),
    ],
)
def test_credentials_that_do_not_fit_are_refused(url: str, inputs: dict[str, Any], message: str, clone: Step) -> None:
    with pytest.raises(StepError, match=message) as caught:
        clone(url, **inputs)
    assert caught.value.hint


@pytest.mark.parametrize(
    "nothing", [{"url": "https://git@h.org/r"}, {}, {"access_token": None}, {"access_token": ""}, {"credentials": {}}]
)
def test_empty_credentials_are_none(nothing: dict[str, Any], tmp_path: Path) -> None:
    repository = parse_repository(nothing.get("url", "https://github.com/o/r.git"), str(tmp_path))
    assert find_login(repository, nothing.get("access_token"), nothing.get("credentials")) is None


def test_credentials_over_plain_http_are_a_warning_outside_this_machine(clone: Step) -> None:
    with pytest.raises(StepError):
        clone("http://host.invalid/demo.git", access_token=TOKEN)
    assert "unencrypted" in clone.reported("warning")
