"""Processes of the test services: started to stay, recognised later, stopped for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STOP_SECONDS = 30


class ServicesError(Exception):
    """Something that whoever called the script can act on."""


def say(text: str) -> None:
    """Tell the caller, at once."""
    print(f"services: {text}", file=sys.stderr, flush=True)


def run(*args: str | Path, timeout: float = 300, **options: Any) -> str:
    """Run a program to its end and give its output; a failure carries the end of what it said."""
    try:
        done = subprocess.run(
            [str(arg) for arg in args], check=False, capture_output=True, text=True, timeout=timeout, **options
        )
    except FileNotFoundError as error:
        raise ServicesError(f"{args[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ServicesError(f"{args[0]} {args[1]} did not end within {timeout:.0f} s") from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise ServicesError(f"{args[0]} {args[1]} failed with status {done.returncode}:\n{tail}")
    return done.stdout


def wait_for(check: Callable[[], bool], seconds: float, what: str, pid: int, log: Path) -> None:
    """Wait until `check` holds; fail when the process ends first or the time is over."""
    until = time.monotonic() + seconds
    while not check():
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        if ended or time.monotonic() > until:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            reason = "ended at once" if ended else f"was not ready within {seconds:.0f} s"
            raise ServicesError(f"{what} {reason}; the end of {log}:\n{tail}")
        time.sleep(0.2)


def identify(pid: int) -> dict[str, Any]:
    """Record a process so that it cannot be mistaken for a later one that got the same id."""
    # The 22nd field is the start time; the 2nd (the name) may itself hold spaces and parentheses.
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return {"pid": pid, "started": started, "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}


def is_running(record: dict[str, Any] | None) -> bool:
    """Tell whether the very process that was recorded is still there."""
    try:
        if record is None or identify(record["pid"]) != record:
            return False
        return Path(f"/proc/{record['pid']}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def start(*args: str | Path, log: Path) -> int:
    """Start a service that outlives this script."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    child.returncode = 0  # nobody waits for it here: it is meant to stay
    return child.pid


def stop(name: str, record: dict[str, Any] | None) -> None:
    """Stop a service that was started here: SIGTERM, then SIGKILL after `STOP_SECONDS`."""
    if record is None:
        return
    if not is_running(record):
        say(f"{name} (pid {record['pid']}) had already ended")
        return
    os.kill(record["pid"], signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while is_running(record):
        if time.monotonic() > until:
            os.kill(record["pid"], signal.SIGKILL)
            break
        time.sleep(0.1)
    say(f"stopped {name} (pid {record['pid']})")
