"""The file that recorded calls are kept in: JSON, made to be read and reviewed."""

from __future__ import annotations

import json
import os
import re
import zlib
from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT = "stepengine_cassette"
VERSION = 1


class CassetteError(Exception):
    """A cassette cannot be used, or does not have what a run asks of it."""


class Call(Record):
    """One call of a step, secrets masked and paths portable.

    Attributes:
        step: The step's name as the file has it.
        inputs: Its inputs, rendered.
        outputs: What it returned.
        printed: What it printed, as `(stream, line)`.
        warnings: What it warned of.
        directory: Where it left its successors; empty where that is where it started.
        environ: The variables that it set for them; None for one that it took away.
        failure: `message`, `hint` and `output` where it failed, and `type` where that is no StepError.
    """

    step: str
    inputs: dict[str, Any]
    outputs: Any = None
    printed: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    directory: str = ""
    environ: dict[str, str | None] = {}  # noqa: RUF012 - never changed
    failure: dict[str, str] | None = None


class PullSite(Record):
    """Where the pull steps of a pipeline ran.

    Attributes:
        kind: "image" or "here".
        image: The image; None elsewhere.
        directory: Where they started.
    """

    kind: str
    image: str | None
    directory: str


class Recording(Record):
    """What a cassette holds."""

    calls: tuple[Call, ...]
    pull_sites: tuple[PullSite, ...]


_KINDS: dict[str, Any] = {
    "step": str,
    "directory": (str, type(None)),
    "environ": (dict, type(None)),
    "failure": (dict, type(None)),
}
"""What the fields of a call hold; those that may be left out hold nothing then."""


def default_path(test_file: Path, test: str) -> Path:
    """Give where the cassette of a test is: `cassettes/FILE.TEST.json` beside its file.

    Where a parameter's text holds what no file name should, a checksum keeps it apart from others that look alike.
    """
    name = re.sub(r"[^\w.-]+", "-", test).strip("-")
    if re.search(r"[^\w.\[\]-]", test):
        name += f"-{zlib.crc32(test.encode()):08x}"
    return test_file.parent / "cassettes" / f"{test_file.stem}.{name}.json"


def encode(recording: Recording) -> str:
    """Write a recording."""
    document: dict[str, Any] = {FORMAT: VERSION, "calls": [_call_document(call) for call in recording.calls]}
    if recording.pull_sites:
        document["pull"] = [site._asdict() for site in recording.pull_sites]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _call_document(call: Call) -> dict[str, Any]:
    document: dict[str, Any] = {"step": call.step, "inputs": call.inputs}
    groups: list[dict[str, list[str]]] = []  # the lines of one stream that follow each other
    for stream, line in call.printed:
        if groups and stream in groups[-1]:
            groups[-1][stream].append(line)
        else:
            groups.append({stream: [line]})
    optional = {
        "printed": groups,
        "warnings": list(call.warnings),
        "outputs": call.outputs,
        "directory": call.directory,
        "environ": call.environ,
        "failure": call.failure,
    }
    return document | {name: value for name, value in optional.items() if value not in (None, [], "") and value != {}}


def decode(text: str, name: str) -> Recording:
    """Read a recording.

    Args:
        text: The file's.
        name: The file, for messages.

    Raises:
        CassetteError: it is none.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CassetteError(f"{name} is not JSON: {error}") from error
    version = document.get(FORMAT) if isinstance(document, dict) else None
    if version != VERSION:
        known = f"this stepengine reads version {VERSION}"
        told = "it is no cassette" if version is None else f"it is of version {version!r}; {known}"
        raise CassetteError(f"{name} cannot be read: {told}")
    try:
        calls = tuple(map(_call_of, document["calls"]))
        sites = tuple(PullSite(each["kind"], each["image"], each["directory"]) for each in document.get("pull", []))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{name} is damaged ({type(error).__name__}: {error}); record it anew"
        raise CassetteError(message) from error
    return Recording(calls, sites)


def _call_of(document: dict[str, Any]) -> Call:
    printed = [
        (stream, line)
        for group in document.get("printed", [])
        for stream, lines in group.items()
        for line in _texts(lines, "printed")
    ]
    if {stream for stream, _ in printed} - {"stdout", "stderr"}:
        raise ValueError("what was printed is of no stream")
    for field, kinds in _KINDS.items():
        if not isinstance(document.get(field), kinds):
            raise TypeError(f"{field} is a {type(document[field]).__name__}")
    for field in ("environ", "failure"):
        _texts([each for each in (document.get(field) or {}).values() if each is not None], field)
    if "failure" in document and "message" not in document["failure"]:
        raise ValueError("a failure has no message")
    _texts(document.get("warnings", []), "warnings")
    return Call(
        step=document["step"],
        inputs=dict(document["inputs"]),
        outputs=document.get("outputs"),
        printed=tuple(printed),
        warnings=tuple(document.get("warnings", [])),
        directory=document.get("directory", ""),
        environ=dict(document.get("environ", {})),
        failure=document.get("failure"),
    )


def _texts(value: Any, field: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{field} has what is no text")
    return value


def load(path: Path) -> Recording | None:
    """Read a cassette; None where there is none.

    Raises:
        CassetteError: it cannot be read.
    """
    try:
        return decode(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(f"{path} cannot be read: {error}") from error


def store(path: Path, recording: Recording) -> None:
    """Write a cassette; an older one stays whole until the new one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(encode(recording), encoding="utf-8", newline="\n")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def names_of(calls: Iterable[Call]) -> str:
    """Give the steps of calls, each once, for a message."""
    return ", ".join(dict.fromkeys(call.step for call in calls)) or "none"
