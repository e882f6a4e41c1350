"""Dockerfiles: what one needs before it can be built, and the one that `dockerfile: auto` stands for."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"(?:^|\s)\d*<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2(?=\s|$)")
_VARIABLE = re.compile(r"\\(.)|\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})")
_FLAG = re.compile(r"--([a-z]+)(?:=(\S+))?\s+")
_MOUNT_FROM = re.compile(r"--mount=\S*?\bfrom=([^,\s]+)")
_BUILDKIT = re.compile(
    r"(?:RUN\s+(?:--\w+=\S+\s+)*--(?:mount|network|security)=)|(?:(?:COPY|ADD)\s+(?:--\S+\s+)*--(?:chmod|link|parents|exclude|checksum))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./-]*", re.ASCII)


class Instruction(NamedTuple):
    """One instruction, its continued lines joined.

    Attributes:
        keyword: In capitals.
        rest: All after it.
        has_heredoc: Whether a here-document follows it.
    """

    keyword: str
    rest: str
    has_heredoc: bool


class Stage(NamedTuple):
    """One stage of a build.

    Attributes:
        name: As `AS` gives it, in lower case; empty where it has none.
        image: What it starts from: an image, or an earlier stage.
        platform: As `--platform` gives it; empty where it does not.
        sources: Images or stages that it copies from or mounts.
    """

    name: str
    image: str
    platform: str
    sources: list[str]


class BaseImage(NamedTuple):
    """An image that a build needs from outside.

    Attributes:
        name: Its reference.
        platform: The platform that the Dockerfile asks for; empty where it leaves it open.
    """

    name: str
    platform: str


def parse(text: str) -> Iterator[Instruction]:
    """Split a Dockerfile into its instructions, by the rules of its reference ("Format", "Parser directives")."""
    escape = "\\"
    directives = True
    joined: str | None = None
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip()) if directives else None
        directives = match is not None
        if match and match[1].lower() == "escape":
            escape = match[2]
        body = (line.lstrip() if joined is None else line).rstrip()
        if not body or body.lstrip().startswith("#"):
            continue
        if body.endswith(escape):
            joined = (joined or "") + body[: -len(escape)]
            continue
        yield _instruction((joined or "") + body, lines)
        joined = None
    if joined:
        yield _instruction(joined, lines)


def _instruction(text: str, following: Iterator[str]) -> Instruction:
    """Read an instruction, and skip its here-documents in the lines that follow."""
    keyword, _, rest = text.replace("\t", " ").partition(" ")
    keyword = keyword.upper()
    heredocs = _HEREDOC.findall(rest) if keyword in ("RUN", "COPY", "ADD") else []
    for dash, _, delimiter in heredocs:
        for body in following:
            if (body.lstrip("\t") if dash else body) == delimiter:
                break
    return Instruction(keyword, rest.strip(), bool(heredocs))


def needs_buildkit(text: str) -> bool:
    """Tell whether a Dockerfile uses what the classic builder does not know."""
    return any(
        instruction.has_heredoc or _BUILDKIT.match(f"{instruction.keyword} {instruction.rest}")
        for instruction in parse(text)
    )


def stages(text: str, arguments: Mapping[str, str]) -> list[Stage]:
    """Give the stages of a Dockerfile, build arguments filled in."""
    found: list[Stage] = []
    variables: dict[str, str] = {}
    for keyword, rest, _ in parse(text):
        if keyword == "ARG" and not found:
            for name, value in _arguments(rest):
                variables[name] = arguments.get(name, _expand(value, variables))
        elif keyword == "FROM":
            found.append(_stage(rest, variables))
        elif found:
            sources = [value for flag, value in _flags(rest)[0] if flag == "from"] if keyword in ("COPY", "ADD") else []
            found[-1].sources.extend(_expand(source, variables) for source in sources + _MOUNT_FROM.findall(rest))
    return found


def _arguments(rest: str) -> Iterator[tuple[str, str]]:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    for word in words:
        name, _, value = word.partition("=")
        yield name, value


def _flags(rest: str) -> tuple[list[tuple[str, str]], str]:
    flags = []
    while match := _FLAG.match(rest):
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :]
    return flags, rest


def _stage(rest: str, variables: Mapping[str, str]) -> Stage:
    flags, rest = _flags(rest)
    words = rest.split()
    name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""  # noqa: PLR2004 - IMAGE AS NAME
    image = _expand(words[0], variables) if words else ""
    return Stage(name, image, _expand(dict(flags).get("platform", ""), variables), [])


def _expand(text: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        found = variables.get(match[2] or match[3], "")
        operator = match[4] or ""
        if operator.endswith("-"):
            return found or match[5]
        return (match[5] if found else "") if operator.endswith("+") else found

    return _VARIABLE.sub(value, text.strip("\"'"))


def base_images(text: str, arguments: Mapping[str, str], target: str | None, *, reachable: bool) -> list[BaseImage]:
    """Give the images that a build needs from outside, each once, in order.

    Args:
        text: The Dockerfile.
        arguments: The build arguments.
        target: The stage to build; None for the last one.
        reachable: Whether to give only those that the target depends on. BuildKit builds no others; the classic builder
            builds all stages up to the target.
    """
    known = stages(text, arguments)
    numbers = {stage.name: index for index, stage in enumerate(known) if stage.name}
    numbers |= {str(index): index for index in range(len(known))}
    last = numbers.get(str(target).lower(), len(known) - 1) if target else len(known) - 1
    wanted: set[int] = set() if reachable else set(range(last + 1))
    pending = [last] if known else []
    found: dict[BaseImage, None] = {}
    while pending:
        index = pending.pop()
        wanted.add(index)
        for reference in (known[index].image, *known[index].sources):
            number = numbers.get(reference.lower())
            if number is not None and number < index and number not in wanted:
                pending.append(number)
    for index in sorted(wanted):
        stage = known[index]
        references = [(stage.image, stage.platform), *((source, "") for source in stage.sources)]
        for reference, platform in references:
            if numbers.get(reference.lower(), index) == index and reference and reference != "scratch":
                found[BaseImage(reference, platform)] = None
    return list(found)


def auto_dockerfile(base: str, directory_name: str, *, requirements: bool) -> str:
    """Write the Dockerfile that `dockerfile: auto` stands for.

    Args:
        base: The image to start from.
        directory_name: The project's directory; the code goes to /opt/prefect/DIRECTORY_NAME/.
        requirements: Whether the project has a requirements.txt.

    Raises:
        StepError: no Dockerfile can name the directory.
    """
    if any(not character.isprintable() for character in directory_name):
        raise StepError(
            f"the directory name {directory_name!r} has characters that no Dockerfile can hold", hint="rename it"
        )
    home = f"/opt/prefect/{directory_name}/" if directory_name else "/opt/prefect/"
    lines = [f"FROM {base}"]
    if requirements:
        listed = home + "requirements.txt"
        lines += [_copy("requirements.txt", listed), f"RUN {_install(listed)}"]
    lines += [_copy(".", home), f"WORKDIR {_escape(home)}"]
    return "\n".join(lines) + "\n"


def _install(requirements: str) -> str:
    path = shlex.quote(requirements)
    # uv is named an interpreter: outside of a virtual environment it would refuse to guess one.
    return (
        'python="$(command -v python || command -v python3)" && if command -v uv >/dev/null 2>&1;'
        f' then uv pip install --no-cache --python "$python" -r {path};'
        f' else "$python" -m pip install --no-cache-dir -r {path}; fi'
    )


def _copy(source: str, target: str) -> str:
    if _PLAIN.fullmatch(target):
        return f"COPY {source} {target}"
    return f"COPY {json.dumps([source, _escape(target)], ensure_ascii=False)}"


def _escape(path: str) -> str:
    """Escape what a Dockerfile would expand or take as a quote."""
    return re.sub(r"([^A-Za-z0-9_./\-\s\u0080-\U0010ffff])", r"\\\1", path)
