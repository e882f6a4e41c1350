"""Where packages are looked for: pip's own settings, in the words of whoever installs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepengine.environments.reading import read_or_nothing
from stepengine.patterns import lazy_pattern
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# pip's options, and the variables by which uv takes the same: it reads none of pip's.
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
# uv has older names of its own for some.
_UV_OLD_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
_SECTIONS = ("global", "install")
# What else decides which packages are chosen.
_DECIDING = (
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX_STRATEGY",
    "UV_OVERRIDE",
    "UV_EXCLUDE_NEWER",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
    "UV_NO_BINARY",
    "UV_NO_BUILD",
    "UV_CONFIG_FILE",
    "PIP_PRE",
    "PIP_NO_BINARY",
    "PIP_ONLY_BINARY",
)
_LISTS = {"UV_INDEX": " ", "UV_FIND_LINKS": ",", "UV_CONSTRAINT": " ", "UV_INSECURE_HOST": " "}
_TRUE = ("1", "true", "yes", "on")

_USERINFO = lazy_pattern(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/@]+)@")
_ANY_USERINFO = lazy_pattern(r"://[^\s/@]+@")
_VARIABLE = lazy_pattern(r"\$\{([A-Z0-9_]+)\}")


class IndexSettings(Record):
    """Where packages are looked for.

    Attributes:
        variables: What uv needs in its environment to look where pip would, but for what it has there already.
        deciding: All that has a say in which packages are chosen, for telling whether two are the same.
        texts: The settings as they are written, credentials in the clear: for masking them.
    """

    variables: dict[str, str]
    deciding: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]


def read_index_settings(environ: Mapping[str, str], python: str) -> IndexSettings:
    """Read pip's variables and its configuration files, so that uv finds what pip would find.

    Without them a package of a private index would be looked for, and perhaps found, on the public one.

    Args:
        environ: The environment.
        python: The interpreter that pip would run in: its environment may have a configuration file.
    """
    options = _read_files(environ, python)
    for option in _UV_NAMES:
        value = environ.get(f"PIP_{option.replace('-', '_').upper()}")
        if value:
            options[option] = value
    variables = {}
    for option, name in _UV_NAMES.items():
        value = options.get(option, "").strip()
        if value and not environ.get(name) and not environ.get(_UV_OLD_NAMES.get(name, "")):
            variables[name] = _in_words_of_uv(name, value)
    variables = {name: value for name, value in variables.items() if value}
    if "UV_INDEX" in variables and not environ.get("UV_INDEX_STRATEGY"):
        # pip looks at all indexes alike; uv would take the first that has a package, in whatever versions.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    known = {**{name: environ[name] for name in (*_UV_NAMES.values(), *_DECIDING) if environ.get(name)}, **variables}
    known.pop("SSL_CERT_FILE", None)
    files = [known[name] for name in ("UV_CONSTRAINT", "UV_OVERRIDE", "UV_CONFIG_FILE") if name in known]
    contents = [(path, read_or_nothing(path)) for each in files for path in each.split()]
    own = [(path, read_or_nothing(path)) for path in _uv_files(environ) if os.path.isfile(path)]
    deciding = (*sorted(known.items()), *contents, *own)
    texts = (*options.values(), *known.values(), *(text for _, text in (*contents, *own)))
    return IndexSettings(variables, deciding, texts)


def credentials_in(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Give the passwords and tokens of the addresses in a text: installers print what they fetch.

    Args:
        text: Requirements, settings of indexes, or an address.
        environ: The values of `${NAME}` in an address.
    """
    from urllib.parse import unquote

    for match in _USERINFO.finditer(text):
        user, separator, password = match[1].partition(":")
        # A token alone stands where the user's name would: https://TOKEN@host
        secret = password if separator else user
        if user in ("git", "oauth2", "__token__") and not separator:
            continue
        for name in _VARIABLE.findall(secret):
            if environ.get(name):
                yield environ[name]
        if not _VARIABLE.fullmatch(secret):
            yield secret
            if unquote(secret) != secret:
                yield unquote(secret)


def without_credentials(text: str) -> str:
    """Give a text with the user's part of its addresses left out."""
    return _ANY_USERINFO.sub("://", text)


def _in_words_of_uv(name: str, value: str) -> str:
    if name == "UV_NO_INDEX":
        return "1" if value.lower() in _TRUE else ""
    if name in _LISTS:
        return _LISTS[name].join(value.split())
    return value


def _read_files(environ: Mapping[str, str], python: str) -> dict[str, str]:
    """Read the options of pip's configuration files; a later file's counts."""
    import configparser

    options: dict[str, str] = {}
    for path in config_files(environ, python):
        text = read_or_nothing(path)
        if not text:
            continue
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            continue  # pip says what is wrong with it
        for section in _SECTIONS:
            for key, value in parser.items(section) if parser.has_section(section) else ():
                option = key.lower().replace("_", "-").removeprefix("--")
                if option in _UV_NAMES:
                    options[option] = value
    return options


def config_files(environ: Mapping[str, str], python: str) -> Iterator[str]:
    """Give the files that pip reads its configuration from, whether they are there or not, the weakest first.

    They are those of https://pip.pypa.io/en/stable/topics/configuration/ on all platforms: a file of another platform
    is not there, or its author meant pip.

    Args:
        environ: The environment.
        python: The interpreter that pip would run in.
    """
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    bin_directory = os.path.dirname(python)
    site = [os.path.join(path, "pip") for path in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)]
    user = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    directories = [
        *reversed(site),
        "/etc",
        "/Library/Application Support/pip",
        os.path.join(environ.get("PROGRAMDATA") or "/ProgramData", "pip"),
        os.path.join(home, ".pip"),
        os.path.join(home, "pip"),
        os.path.join(user, "pip"),
        os.path.join(home, "Library", "Application Support", "pip"),
        os.path.join(environ.get("APPDATA") or home, "pip"),
        # The interpreter's prefix: on Windows, that of an installation has python.exe in itself.
        os.path.dirname(bin_directory),
        bin_directory,
    ]
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    yield from (os.path.join(directory, name) for directory in directories)
    if named:
        yield named


def _uv_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Give uv's own configuration files: https://docs.astral.sh/uv/concepts/configuration-files/."""
    if environ.get("UV_NO_CONFIG"):
        return
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    user = environ.get("XDG_CONFIG_HOME") or environ.get("APPDATA") or os.path.join(home, ".config")
    yield os.path.join(user, "uv", "uv.toml")
    for directory in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep):
        yield os.path.join(directory, "uv", "uv.toml")
    yield os.path.join(environ.get("SYSTEMDRIVE", ""), os.sep, "etc", "uv", "uv.toml")
