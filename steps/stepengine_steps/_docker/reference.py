"""Names of images: the grammar of the distribution project (`reference` package), checked before an engine is asked."""

from __future__ import annotations

import re
from typing import Any

from stepengine.plugin import StepError

HUB = "docker.io"
HUB_HOSTS = frozenset(
    {"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"}
)

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?", re.ASCII)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)
_MAX_LENGTH = 255


def split_domain(name: str) -> tuple[str, str]:
    """Split an image name into registry and path; the registry is empty where the name leaves it out.

    The first component is a registry if it could not be a part of a path: it has a dot, a port or a capital letter, or
    it is `localhost`.
    """
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or any(c in ".:" or c.isupper() for c in first) or first.startswith("[")):
        return first, rest
    return "", name


def registry_of(name: str) -> str:
    """Give the host (and port) of the registry that an image belongs to."""
    return normalize_registry(split_domain(name)[0])


def normalize_registry(address: str) -> str:
    """Reduce a registry's address, as people and config files write it, to host and port.

    `https://index.docker.io/v1/` and an empty address are Docker Hub.
    """
    host = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]*://", "", address.strip()).partition("/")[0].rpartition("@")[2].lower()
    return HUB if not host or host in HUB_HOSTS else host


def check_name(name: Any) -> str:
    """Check the name of an image, without tag.

    Returns:
        The name.

    Raises:
        StepError: no registry could take it.
    """
    if not isinstance(name, str) or not name:
        raise StepError("image_name is empty", hint="give a name such as registry.example.com/team/image")
    domain, path = split_domain(name)
    problem, hint = _name_problem(name, domain, path)
    if problem:
        raise StepError(f"{name!r} is not an image name: {problem}", hint=hint)
    return name


def _name_problem(name: str, domain: str, path: str) -> tuple[str, str]:  # noqa: PLR0911 - one for each way to be wrong
    last = path.rpartition("/")[2]
    if any(character.isspace() or not character.isprintable() for character in name):
        return "it has white space or control characters", "take it out, also at the end (the output of a command?)"
    if "@" in name:
        return "it has a digest", "give the name alone; a build makes a new image"
    if ":" in last:
        bare, _, tag = name.rpartition(":")
        return "it has a tag", f"write image_name: {bare} and tag: {tag}"
    if "://" in name:
        return "it is a URL", "leave out the scheme"
    if domain and not _DOMAIN.fullmatch(domain):
        return f"{domain!r} is not a registry", "a registry is a host name, with or without a port"
    for component in path.split("/"):
        if not _COMPONENT.fullmatch(component):
            hint = "use lower case letters, digits, and single . _ or - between them"
            return (f"{component!r} is not allowed in it" if component else "a part of it is empty"), hint
    if len(name) > _MAX_LENGTH:
        return f"it is longer than {_MAX_LENGTH} characters", "shorten it"
    if _IDENTIFIER.fullmatch(name):
        return "it looks like an image's id", "add a namespace"
    return "", ""


def check_tag(tag: Any, *, what: str = "tag") -> str:
    """Check a tag.

    Args:
        tag: What the file gives; YAML may have read it as a number.
        what: The input that it is from.

    Returns:
        The tag as a text.

    Raises:
        StepError: no registry could take it.
    """
    if isinstance(tag, bool) or not isinstance(tag, (str, int, float)):  # null, a date, a list
        raise StepError(f"{what} {tag!r} is not a tag", hint="put a tag that YAML does not read as text in quotes")
    text = str(tag)
    if not _TAG.fullmatch(text):
        hint = "a tag has up to 128 letters, digits, . _ and -, and begins with none of . and -"
        raise StepError(f"{what} {text!r} is not a tag", hint=hint)
    return text


def check_tags(tags: Any) -> list[str]:
    """Check `additional_tags`.

    Raises:
        StepError: it is not a list, or a member is not a tag.
    """
    if tags is None:
        return []
    if not isinstance(tags, list):
        shown = f"[{tags}]" if isinstance(tags, (str, int, float)) else "[v1, latest]"
        raise StepError("additional_tags is not a list", hint=f"write additional_tags: {shown}")
    return [check_tag(tag, what="additional_tags:") for tag in tags]
