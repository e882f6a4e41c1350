"""Record and replay: steps' calls, kept in a file beside the test.

The default replays, and never records: recording runs steps for real, and is what only the command line can ask for.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepengine.testing.cassette_file import Call, CassetteError, PullSite, Recording, load, names_of, store
from stepengine.testing.matching import differences
from stepengine.testing.portable import Portable, map_texts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Literal

    from stepengine.secrecy.secrets import Secrets
    from stepengine.testing.session import Session

    RecordMode = Literal["none", "once", "new", "all"]

__all__ = ["Cassette", "CassetteError"]

_HOW = {
    "once": "record it with: pytest --stepengine-record=once",
    "new": "add what it lacks with: pytest --stepengine-record=new; record all anew with: --stepengine-record=all",
}


class Cassette:
    """The recorded calls of a test.

    Args:
        path: The file.
        mode: When to record: "none" never; "once" where there is no file; "new" what it lacks; "all" everything anew.

    Attributes:
        path: The file.
        live: Steps that are neither recorded nor replayed, but run: names, or their last parts.
    """

    def __init__(self, path: str | os.PathLike[str], mode: RecordMode = "none") -> None:
        self.path = Path(path)
        self.live: frozenset[str] = frozenset()
        self._portable = Portable({})
        self._mode = mode
        self._recording: Recording | None = None
        self._used: list[bool] = []
        self._used_sites = 0
        self._new_calls: list[Call] = []
        self._new_sites: list[PullSite] = []
        self._secrets: list[Secrets] = []
        self._is_spoilt = self._is_recording = False

    def portable(self, name: str, text: str) -> None:
        """Write `<name>` for a text that differs from machine to machine: a port of a service, a directory.

        Raises:
            ValueError: the name is none, or the text is empty or has `<` or `>`.
        """
        self._portable.add(name, text)

    @property
    def recorded(self) -> int:
        """How many calls have been recorded in this test so far."""
        return len(self._new_calls)

    @property
    def unplayed(self) -> list[str]:
        """The names of the steps whose recorded calls no run has asked for yet."""
        found = self._recording.calls if self._recording is not None else ()
        return [call.step for call, used in zip(found, self._used, strict=True) if not used]

    def assert_all_played(self) -> None:
        """Assert that every recorded call has been replayed."""
        __tracebackhide__ = True
        if self.unplayed:
            raise AssertionError(f"{self.path.name} has calls that no run has asked for: {', '.join(self.unplayed)}")

    def start(self) -> Session:
        """Begin a run.

        Raises:
            CassetteError: the file cannot be read, or there is none and none may be recorded.
        """
        __tracebackhide__ = True
        from stepengine.testing.session import Session

        if self._recording is None:
            loaded = None if self._mode == "all" else load(self.path)
            if loaded is None and self._mode == "none":
                raise CassetteError(f"there is no cassette {self.path}; {_HOW['once']}")
            self._is_recording = self._mode in ("all", "new") or (self._mode == "once" and loaded is None)
            self._recording = loaded or Recording((), ())
            self._used = [False] * len(self._recording.calls)
        return Session(self)

    def save(self) -> None:
        """Write what was recorded, where something was; nothing of a run that was interrupted."""
        if self._recording is None or self._is_spoilt or not self._new_calls:
            return
        calls = (*self._recording.calls, *map(self._final, self._new_calls))
        sites = (*self._recording.pull_sites, *(PullSite(*map(self._masked, site)) for site in self._new_sites))
        store(self.path, Recording(calls, sites))

    # What follows is for `Session`.

    @property
    def is_recording(self) -> bool:
        """Whether a call that is not here is run and recorded."""
        return self._is_recording

    @property
    def is_whole(self) -> bool:
        """Whether every call is replayed: no step really runs."""
        return not self._is_recording and not self.live

    @property
    def texts(self) -> Portable:
        """What is written by name."""
        return self._portable

    def spoil(self) -> None:
        """Keep nothing of what was recorded: a run was interrupted."""
        self._is_spoilt = True

    def add(self, call: Call, secrets: Secrets) -> None:
        """Keep a call."""
        self._new_calls.append(call)
        if not any(each is secrets for each in self._secrets):
            self._secrets.append(secrets)

    def add_site(self, site: PullSite) -> None:
        """Keep where pull steps ran."""
        self._new_sites.append(site)

    def find(self, step: str, inputs: dict[str, Any]) -> Call | None:
        """Give the first recorded call that fits and has not been replayed; None where there is none."""
        assert self._recording is not None  # noqa: S101 - `start` has read it
        for index, call in enumerate(self._recording.calls):
            if not self._used[index] and call.step == step and not any(differences(call.inputs, inputs)):
                self._used[index] = True
                return self._read(call)
        return None

    def next_site(self) -> PullSite | None:
        """Give where the next pipeline's pull steps ran; None where that is not known."""
        assert self._recording is not None  # noqa: S101 - `start` has read it
        if self._used_sites >= len(self._recording.pull_sites):
            return None
        site = self._recording.pull_sites[self._used_sites]
        self._used_sites += 1
        return site

    def explain(self, step: str, inputs: dict[str, Any]) -> str:
        """Say why no recorded call fits."""
        assert self._recording is not None  # noqa: S101 - `start` has read it
        calls = [
            (call, used) for call, used in zip(self._recording.calls, self._used, strict=True) if call.step == step
        ]
        if not calls:
            lines = [f"it has no call of {step}; it has: {names_of(self._recording.calls)}"]
        elif all(used for _, used in calls):
            times = "once" if len(calls) == 1 else f"{len(calls)} times"
            lines = [f"it has {step} {times}, and all are replayed: the run calls it once more, with"]
            lines += [f"  {name}: {value!r}" for name, value in inputs.items()]
        else:
            told = [list(differences(call.inputs, inputs)) for call, used in calls if not used]
            lines = [f"its call of {step} has other inputs:", *(f"  {line}" for line in min(told, key=len))]
        return "\n".join([f"the cassette {self.path} does not have this call: {lines[0]}", *lines[1:], _HOW["new"]])

    def _read(self, call: Call) -> Call:
        read: Call = Call(*(map_texts(field, self._portable.read) for field in call))
        return read._replace(printed=tuple((stream, line) for stream, line in read.printed))

    def _final(self, call: Call) -> Call:
        """Mask once more: a secret may have turned up after the call that had it, and may go over several lines."""
        masked = Call(*map(self._masked, call))
        return masked._replace(printed=tuple(self._masked_lines(call.printed)))

    def _masked(self, value: Any) -> Any:
        for secrets in self._secrets:
            value = secrets.mask_data(value)
        return value

    def _masked_lines(self, printed: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
        for stream, group in groupby(printed, lambda each: each[0]):
            for line in self._masked("\n".join(line for _, line in group)).split("\n"):
                yield stream, line
