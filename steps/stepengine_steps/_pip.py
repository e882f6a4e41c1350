"""Which installer installs a requirements file, with what settings, and what its failures mean."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stepengine.plugin import Completed, Context

# pip's variables and those by which uv takes the same (uv reads none of pip's).
_UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CONSTRAINT": "UV_CONSTRAINT",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
    "PIP_CERT": "SSL_CERT_FILE",
}
_INDEX_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_FIND_LINKS",
)
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/@]+)@", re.IGNORECASE)
_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
# pip reads `Index_URL` and `--index-url` as `index-url`.
_INDEX_SETTING = re.compile(
    r"^\s*(?:--)?(?:(?:extra[-_])?index[-_]url|no[-_]index|find[-_]links)\s*[=:]", re.MULTILINE | re.IGNORECASE
)

# How pip and uv name what failed; uv may break its lines anywhere between words.
_CULPRITS = (
    re.compile(r"No matching distribution found for (?P<what>.+)"),
    re.compile(r"Invalid requirement: (?P<what>.+?)(?: \(from.*| \(at.*)?$", re.MULTILINE),
    re.compile(r"Couldn't parse requirement in .*\n.*cause: .*\n\s*(?P<what>.+)"),
    re.compile(r"Failed building wheel for (?P<what>\S+)"),
    re.compile(r"Failed\s+to\s+(?:build|download|fetch)[^`]*`(?P<what>[^`]+)`"),
    re.compile(r"Because\s+(?P<what>\S+)\s+was\s+not\s+found"),
    re.compile(r"Because\s+there\s+(?:is|are)\s+no\s+versions?\s+of\s+(?P<what>\S+)"),
    re.compile(r"Because\s+only\s[^.]*?you\s+require\s+(?P<what>[^\s,]+)", re.DOTALL),
)


def installer(requirements_file: str, context: Context) -> tuple[list[str], dict[str, str]]:
    """Choose uv or pip.

    Returns:
        The command, and the variables that it needs besides the pipeline's.
    """
    import shutil

    if requirements_file.startswith("-"):
        requirements_file = os.path.join(os.curdir, requirements_file)
    uv = shutil.which("uv", path=context.environ.get("PATH", os.defpath))
    if uv and not _pip_index_file(context.environ, context.python):
        args = [uv, "pip", "install", "--python", context.python, "-r", requirements_file]
        return args, _uv_variables(context.environ)
    args = [context.python, "-m", "pip", "install", "-r", requirements_file]
    return args, {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    # Without them a package of a private index would be looked for, and perhaps found, on the public one.
    return {
        uv: environ[pip]
        for pip, uv in _UV_NAMES.items()
        if environ.get(pip) and not environ.get(uv) and not environ.get(uv.replace("DEFAULT_INDEX", "INDEX_URL"))
    }


def _pip_index_file(environ: Mapping[str, str], python: str) -> str | None:
    """Find a configuration file of pip that says where packages are looked for."""
    return next((path for path in _config_files(environ, python) if _INDEX_SETTING.search(_read(path))), None)


def _config_files(environ: Mapping[str, str], python: str) -> Iterator[str]:
    """Give the files that pip reads its configuration from, whether they are there or not.

    They are those of https://pip.pypa.io/en/stable/topics/configuration/ on all platforms: a file of another platform
    is not there, or its author meant pip.
    """
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    if named:
        yield named
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    bin_directory = os.path.dirname(python)
    site = [os.path.join(path, "pip") for path in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)]
    user = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    directories = [
        "/etc",
        *site,
        "/Library/Application Support/pip",
        os.path.join(environ.get("PROGRAMDATA") or "/ProgramData", "pip"),
        os.path.join(user, "pip"),
        os.path.join(home, ".pip"),
        os.path.join(home, "Library", "Application Support", "pip"),
        os.path.join(environ.get("APPDATA") or home, "pip"),
        os.path.join(home, "pip"),
        # The interpreter's prefix: on Windows, that of an installation has python.exe in itself.
        os.path.dirname(bin_directory),
        bin_directory,
    ]
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    yield from (os.path.join(directory, name) for directory in directories)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def hide_credentials(where: str, requirements_file: str, context: Context) -> None:
    """Have the credentials of index addresses and requirements masked: installers print what they fetch."""
    texts = [context.environ.get(name, "") for name in _INDEX_VARIABLES]
    texts.extend(_requirement_texts(where, requirements_file))
    texts.extend(_read(path) for path in _config_files(context.environ, context.python))
    for text in texts:
        for match in _USERINFO.finditer(text):
            for secret in _secrets(match[1], context.environ):
                context.secret(secret)


def _requirement_texts(where: str, requirements_file: str) -> Iterator[str]:
    pending = [os.path.join(where, requirements_file)]
    seen: set[str] = set()
    while pending:
        path = pending.pop()
        if path in seen or "://" in path:
            continue
        seen.add(path)
        text = _read(path)
        pending.extend(os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in _INCLUDE.findall(text))
        yield text


def _secrets(userinfo: str, environ: Mapping[str, str]) -> Iterator[str]:
    from urllib.parse import unquote

    user, separator, password = userinfo.partition(":")
    # A token alone stands where the user's name would: https://TOKEN@host
    secret = password if separator else user
    if user in ("git", "oauth2", "__token__") and not separator:
        return
    for name in _VARIABLE.findall(secret):
        if environ.get(name):
            yield environ[name]
    if not _VARIABLE.fullmatch(secret):
        yield secret
        if unquote(secret) != secret:
            yield unquote(secret)


def explain(completed: Completed, python: str) -> tuple[str, str]:
    """Tell from an installer's output what failed.

    Returns:
        What failed, and the remedy; each may be empty.
    """
    output = f"{completed.stderr}\n{completed.stdout}"
    if "No module named pip" in output:
        return f"{python} has no pip", f"install uv, or run: {python} -m ensurepip"
    if "externally-managed-environment" in output or "externally managed" in output:
        return f"{python} belongs to the system, which forbids it (PEP 668)", "run stepengine in a virtual environment"
    for pattern in _CULPRITS:
        if match := pattern.search(output):
            return f"{match['what'].strip()} failed", "check its name and version, and that the index has it"
    return "", ""
