"""The forms of a repository's URL ("git help clone", section GIT URLS), and what they have in common."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from stepengine.plugin import StepError
from stepengine_steps._git.arguments import check_text, without_userinfo

_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}

# Transport helpers: `ext::sh -c …` runs a program, `fd::` reads a descriptor ("git help gitremote-helpers").
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")

# "[user@]host:path" where no slash comes before the colon; a host of one letter is a Windows drive.
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/:\[\]]{2,}):(?P<path>.*)")

# Encoded line ends in a URL have been used to inject lines into the credential protocol (CVE-2020-5260).
_ENCODED_CONTROL = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class Repository(NamedTuple):
    """Where a repository is.

    Attributes:
        url: What git gets: without user name and password where it is http(s), absolute where it is a path.
        scheme: http, https, ssh, git or file; ssh for the `host:path` form, file for a path.
        host: Its host in lower case, without port; empty where it is a file.
        origin: `scheme://host[:port]`, the scope of its credentials; empty where it is not http(s).
        identity: Equal for two URLs of one repository, whatever their scheme and user.
        username: The user name that was in an http(s) URL, decoded; empty where there was none.
        password: The password that was in it.
    """

    url: str
    scheme: str
    host: str
    origin: str
    identity: str
    username: str = ""
    password: str = ""


def parse_repository(text: str, directory: str) -> Repository:
    """Take a repository's URL or path apart.

    Args:
        text: What the user gave.
        directory: What a relative path is relative to.

    Returns:
        The repository.

    Raises:
        StepError: it is in no form that is allowed.
    """
    _check_form(text)
    if "://" in text:
        return _from_url(text)
    scp = _SCP.fullmatch(text)
    if scp and not os.path.exists(os.path.join(directory, text)):
        return _from_scp(text, scp)
    return _from_path(text, directory)


def check_repository(text: str) -> None:
    """Check what can be told of a repository without looking at any disk.

    Raises:
        StepError: it is in no form that is allowed.
    """
    _check_form(text)
    if "://" in text and not text.lower().startswith("file:"):
        _from_url(text)


def _check_form(text: str) -> None:
    check_text("repository", text)
    if _HELPER.match(text):
        raise StepError(
            f"repository uses a transport helper, which is not allowed: {without_userinfo(text)!r}",
            hint="use an https, ssh or file URL, or a path",
        )


def same_repository(configured: str, wanted: Repository, directory: str) -> bool:
    """Tell whether a clone's configured URL is that of the wanted repository.

    Args:
        configured: `remote.origin.url` of the clone.
        wanted: The repository.
        directory: The clone, for a relative path.
    """
    try:
        return parse_repository(configured, directory).identity == wanted.identity
    except StepError:
        return False


def has_userinfo(url: str) -> bool:
    """Tell whether an http(s) URL has a user name or a password in it."""
    return url.lower().startswith(("http://", "https://")) and "@" in urlsplit(url).netloc


def _from_url(text: str) -> Repository:
    shown = without_userinfo(text)
    if _ENCODED_CONTROL.search(text):
        raise StepError(f"repository has an encoded control character: {shown!r}", hint="remove it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise StepError(f"repository is no valid URL: {shown!r}", hint="check its host and port") from None
    scheme = parts.scheme.lower()
    if scheme == "file":
        return _from_file_url(text, parts)
    if scheme not in _DEFAULT_PORTS:
        raise StepError(f"repository has an unknown scheme: {shown!r}", hint="use https, http, ssh, git or file")
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host):
        raise StepError(f"repository has no valid host: {shown!r}", hint="it looks like https://host/owner/name.git")
    if not parts.path.strip("/"):
        raise StepError(f"repository has no path: {shown!r}", hint="it looks like https://host/owner/name.git")
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        netloc = f"{netloc}:{port}"
    identity = f"{netloc}/{_path_identity(parts.path)}"
    if scheme in ("http", "https"):
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        url = urlunsplit((scheme, netloc, parts.path, parts.query, ""))
        return Repository(url, scheme, host, f"{scheme}://{netloc}", identity, username, password)
    _check_ssh_user(scheme, parts, shown)
    return Repository(text, scheme, host, "", identity)


def _check_ssh_user(scheme: str, parts: SplitResult, shown: str) -> None:
    if parts.password is not None:
        raise StepError(
            f"a password in an {scheme} URL does nothing but show: {shown!r}",
            hint="take it out; ssh uses the keys of the machine",
        )
    if unquote(parts.username or "").startswith("-"):  # git decodes it before ssh gets it
        raise StepError(f"repository's user may not begin with '-': {shown!r}", hint="ssh would take it for an option")


def _from_scp(text: str, match: re.Match[str]) -> Repository:
    host, path = match["host"].strip("[]").lower(), match["path"]
    if not _HOST.fullmatch(host) or not path.strip("/"):
        raise StepError(f"repository is no valid URL: {text!r}", hint="it looks like git@host:owner/name.git")
    if path.startswith("-"):
        raise StepError(f"repository's path may not begin with '-': {text!r}", hint="write ./ before it")
    netloc = f"[{host}]" if ":" in host else host
    return Repository(text, "ssh", host, "", f"{netloc}/{_path_identity(path)}")


def _from_file_url(text: str, parts: SplitResult) -> Repository:
    if parts.netloc not in ("", "localhost"):
        raise StepError(f"repository is a file URL with a host: {text!r}", hint="write file:///absolute/path")
    path = unquote(parts.path)
    if os.name == "nt":  # "/C:/…"; elsewhere the import, of 30 ms, would do what unquote does
        from urllib.request import url2pathname

        path = url2pathname(parts.path)
    if not os.path.exists(path):
        raise StepError(f"repository does not exist: {text}", hint="check the path")
    return Repository(text, "file", "", "", os.path.realpath(path))


def _from_path(text: str, directory: str) -> Repository:
    path = os.path.normpath(os.path.join(directory, text))
    if not os.path.exists(path):
        first = text.split("/", 1)[0]
        hint = f"did you mean https://{text}?" if "." in first.strip(".") else "check the path, or give the whole URL"
        raise StepError(f"repository does not exist: there is no directory {path}", hint=hint)
    return Repository(path, "file", "", "", os.path.realpath(path))


def _path_identity(path: str) -> str:
    return unquote(path).strip("/").removesuffix(".git").rstrip("/")
