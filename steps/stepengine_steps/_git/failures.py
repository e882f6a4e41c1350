"""What git's messages mean: which failures can pass, and what a user can do about the others.

git has one exit status (128) for all of them, so its text decides; it runs in the C locale, where that text is stable.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stepengine.plugin import StepError
from stepengine_steps._git.arguments import without_userinfo

PROGRESS = re.compile(r"(?:remote: )?(?P<text>[A-Z][A-Za-z ]+): +\d+% \((?P<current>\d+)/(?P<total>\d+)\)")
"""How git shows progress: `Receiving objects:  42% (420/1000), 1.2 MiB | 3.4 MiB/s`."""

_OUTPUT_LINES = 20


class _Reason(NamedTuple):
    pattern: re.Pattern[str]
    message: str
    hint: str


def _reason(pattern: str, message: str, hint: str) -> _Reason:
    return _Reason(re.compile(pattern, re.IGNORECASE), message, hint)


# Most specific first: the text of one failure often holds that of another ("the remote end hung up" comes with most).
_PERMANENT = (
    _reason(
        r"could not read (username|password)|terminal prompts disabled",
        "{url} asks for credentials, or does not exist",
        "set access_token or credentials; check the repository's name",
    ),
    _reason(
        r"authentication failed|returned error: 40[13]\b|access denied|invalid credentials",
        "{url} refuses the credentials",
        "check that the token is complete, not expired, and may read the repository; a GitLab whose host is not called"
        " so wants it as oauth2:TOKEN, a Bitbucket Server as USER:TOKEN",
    ),
    _reason(
        r"permission denied \(",
        "the SSH key of this machine is refused, for {url}",
        "add its public key to the host, or use an https URL with access_token (a submodule's URL may be an SSH one)",
    ),
    _reason(
        r"host key verification failed",
        "the SSH host key of {url} is not known",
        "add it to known_hosts (ssh-keyscan HOST), or use an https URL",
    ),
    _reason(
        r"repository .*not found|repository .* does not exist|does not appear to be a git repository"
        r"|returned error: 4(04|10)\b",
        "there is no repository {url}, or the credentials may not see it",
        "check its name, and that the token may read it",
    ),
    _reason(
        r"certificate (problem|verif)|self.signed certificate|local issuer certificate",
        "the TLS certificate of {url} is not trusted",
        "have git trust its authority: http.sslCAInfo, or GIT_SSL_CAINFO",
    ),
    _reason(
        r"transport '.*' not allowed",
        "a transport that is not allowed is needed",
        "submodules may use https, http, ssh and git URLs",
    ),
    _reason(r"no space left on device", "the disk is full", "make room, or clone fewer directories"),
    _reason(
        r"dubious ownership",
        "a directory belongs to another user, so git does not use it",
        "run the `git config` command that git names, or remove the directory",
    ),
    _reason(
        r"from redirection|redirects followed|returned error: 30\d",
        "{url} redirects in a way that git does not follow",
        "give the URL that it redirects to",
    ),
)

_TRANSIENT = re.compile(
    r"""
      could\ not\ resolve | temporary\ failure\ in\ name\ resolution
    | timed\ out | operation\ too\ slow
    | connection\ (reset|refused|was\ closed|closed\ by|aborted) | failed\ to\ connect | couldn't\ connect
    | network\ is\ unreachable | no\ route\ to\ host
    | early\ eof | unexpected\ disconnect | hung\ up\ unexpectedly | empty\ reply | rpc\ failed
    | recv\ failure | send\ failure | transfer\ closed | not\ closed\ cleanly
    | ssl_error_syscall | tls\ connection\ was\ non-properly\ terminated | ssl_read | openssl.*unexpected\ eof
    | kex_exchange_identification
    | returned\ error:\ (5\d\d|429|408)
    | unable\ to\ create\ '.*\.lock' | cannot\ lock\ ref  # another process is at work in the same clone
    """,
    re.IGNORECASE | re.VERBOSE,
)

_QUOTED_URL = re.compile(r"'([a-z]+://[^'\s]+)'")

_IN_THE_WAY = re.compile(r"would be overwritten by \w+:\n((?:\t.*\n?)+)")

_MISSING_REF = re.compile(r"remote branch .* not found|couldn't find remote ref", re.IGNORECASE)

_REFUSED_COMMIT = re.compile(
    r"not our ref|does not allow request for unadvertised object|no such remote ref", re.IGNORECASE
)


def can_pass(stderr: str) -> bool:
    """Tell whether the same command may succeed a little later."""
    return bool(_TRANSIENT.search(stderr)) and not any(reason.pattern.search(stderr) for reason in _PERMANENT)


def is_missing_ref(stderr: str) -> bool:
    """Tell whether the repository has no branch or tag of the name that was asked for."""
    return bool(_MISSING_REF.search(stderr))


def is_refused_commit(stderr: str) -> bool:
    """Tell whether the server did not hand out a commit that was asked for by its hash."""
    return bool(_REFUSED_COMMIT.search(stderr)) or is_missing_ref(stderr)


def explain(url: str, stderr: str, attempts: int = 1) -> StepError:
    """Make an error of what git said.

    Args:
        url: The repository, without credentials.
        stderr: What git wrote, without secrets.
        attempts: How often it was tried.

    Returns:
        The error.
    """
    lines = [line for line in stderr.strip().splitlines() if not PROGRESS.match(line)]
    output = "\n".join(lines[-_OUTPUT_LINES:])
    if match := _IN_THE_WAY.search(stderr):
        files = ", ".join(line.strip() for line in match[1].splitlines())
        return StepError(
            f"files that were changed here are in the way of the update: {files}",
            hint="commit, stash or discard the changes, or remove the directory to have it cloned again",
            output=output,
        )
    for reason in _PERMANENT:
        if reason.pattern.search(stderr):
            return StepError(reason.message.format(url=_subject(url, stderr)), hint=reason.hint, output=output)
    if can_pass(stderr):
        return StepError(
            f"{_subject(url, stderr)} cannot be reached: {_first_error(stderr)}",
            hint=f"it was tried {attempts} times; check the network and the host's name, and try again later",
            output=output,
        )
    return StepError(f"git failed with {url}: {_first_error(stderr)}", output=output)


def _subject(url: str, stderr: str) -> str:
    """Give the URL that a failure is about: a submodule's, where git names one; else the repository's."""
    match = _QUOTED_URL.search(stderr)
    named = without_userinfo(match[1]).rstrip("/") if match else url
    return url if url.startswith(named) else named


def _first_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["it said nothing"])[0].removeprefix("fatal: ").removeprefix("error: ")
