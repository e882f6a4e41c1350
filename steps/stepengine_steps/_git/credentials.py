"""Who git says that it is, and how that reaches it: through the child's environment alone.

A credential helper that is scoped to the repository's scheme, host and port hands user name and password to git when
that host asks for them. (`http.<url>.extraHeader` would be simpler, but after a redirect git 2.39 goes on sending it,
to whichever host it was redirected to.) The helper's text holds no secret, for it names two variables of its
environment; so it may be an argument, which every git understands (GIT_CONFIG_COUNT came with 2.31).
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine_steps._git.url import Repository

USERNAME_VARIABLE = "STEPENGINE_GIT_USERNAME"
PASSWORD_VARIABLE = "STEPENGINE_GIT_PASSWORD"  # noqa: S105 - a variable's name

# git runs a helper that begins with "!" through its own sh, on Windows too; printf is built into every sh, so that
# nothing shows in a list of processes.
_HELPER = (
    '!f() { case "$1" in get) printf "username=%s\\npassword=%s\\n" '
    f'"${USERNAME_VARIABLE}" "${PASSWORD_VARIABLE}";; esac; }}; f'
)

# A name that stands alone before the host is a user's (git@, organization@dev.azure.com), or a token; no host has
# shorter tokens (Bitbucket's app passwords have 20 characters, GitLab's tokens 26, GitHub's 40).
_TOKEN_LENGTH = 20

# What ends a line of the credential protocol, and what no variable can hold.
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Login(NamedTuple):
    """A user name and a password; a token alone is a user name with an empty password, as GitHub takes it.

    Attributes:
        username: The user name, or the token.
        password: The password.
        secrets: All that has to be masked.
    """

    username: str
    password: str
    secrets: tuple[str, ...]

    @property
    def environ(self) -> dict[str, str]:
        """The variables that the helper reads."""
        return {USERNAME_VARIABLE: self.username, PASSWORD_VARIABLE: self.password}


def credential_options(repository: Repository, login: Login | None) -> list[str]:
    """Give the options that make git ask our helper, and no other, for the credentials of the repository's origin.

    The other helpers are left out (an empty value clears the list, "git help gitcredentials"): one might store the
    token in a file, or open a window when the token is refused.
    Without a login, the user's own helpers are asked, for the user that the URL names.

    Args:
        repository: The repository.
        login: What to log in with.
    """
    key = f"credential.{repository.origin}"
    if login:
        return ["-c", f"{key}.helper=", "-c", f"{key}.helper={_HELPER}"]
    return ["-c", f"{key}.username={repository.username}"] if repository.username else []


def find_login(repository: Repository, access_token: str | None, credentials: Mapping[str, Any] | None) -> Login | None:
    """Choose what to log in with: the step's inputs first, then what the URL had in it.

    A token goes with a user name that the URL has alone (`https://organization@dev.azure.com/…`).

    Args:
        repository: The repository.
        access_token: The step's input.
        credentials: The step's input: a block's data.

    Returns:
        The login; None where there is none, and git's own configuration decides.

    Raises:
        StepError: the inputs do not fit together.
    """
    if access_token and credentials:
        raise StepError("access_token and credentials cannot both be given", hint="leave one of them out")
    if access_token:
        credentials = {"access_token": access_token}
    if not credentials:
        if repository.password or len(repository.username) >= _TOKEN_LENGTH:
            return _login(repository.username, repository.password)
        return None
    if not isinstance(credentials, dict):
        raise StepError("credentials is no mapping", hint="refer to a credentials block, or write token: … below it")
    username = _text(credentials, "username")
    secret = _text(credentials, "access_token") or _text(credentials, "token") or _text(credentials, "password")
    if not secret:
        raise StepError("credentials has no token and no password", hint="it needs token, access_token or password")
    if not username and not repository.password and ":" not in secret:
        username = repository.username
    return _login(*_pair(repository, username, secret))


def _pair(repository: Repository, username: str, secret: str) -> tuple[str, str]:
    """Give user name and password in the form that the host wants, as Prefect 3.8.8 tells hosts apart."""
    if username:
        return username, secret
    if ":" in secret:
        name, _, password = secret.partition(":")
        return name, password
    host = repository.host
    if "bitbucketserver" in host:
        raise StepError("a Bitbucket Server needs a user name too", hint="give username, or a token as user:token")
    if "bitbucket" in host:
        return "x-token-auth", secret
    if "gitlab" in host:
        return "oauth2", secret
    return secret, ""


def _login(username: str, password: str) -> Login:
    if _UNUSABLE.search(username + password):
        raise StepError(
            "the credentials have a character in them that cannot be sent", hint="check how the secret was saved"
        )
    header = base64.b64encode(f"{username}:{password}".encode()).decode()
    hidden = password or username
    return Login(username, password, tuple(dict.fromkeys([hidden, quote(hidden, safe=""), header])))


def _text(credentials: Mapping[str, Any], key: str) -> str:
    value = credentials.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise StepError(f"credentials.{key} is no text", hint="put it in quotes")
    # Secrets that come from files and commands often end in a newline.
    return value.strip()
