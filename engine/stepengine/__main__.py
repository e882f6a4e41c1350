"""The command `stepengine`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command; `--version` alone is answered before anything is imported.

    Returns:
        The exit code; `docs/command-line.md` lists them.
    """
    _end_at_once()
    _open_missing()
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stepengine import __version__

        try:
            sys.stdout.write(f"stepengine {__version__}\n")
            sys.stdout.flush()
            return 0
        except OSError:
            pass  # what was not written stays with the stream, and the frame of all commands tells of it
    import gc

    # A short run makes little garbage and dies young; collecting as often as the default takes 3 ms of 60.
    gc.set_threshold(50_000, 20, 20)
    from stepengine.cli import run_command

    code = run_command(sys.argv[1:])
    _leave(code)
    return code


def _end_at_once() -> None:
    """Have Ctrl-C end the process as it ends any other, until a command has begun: a traceback would be told else."""
    import _signal  # type: ignore[import-not-found] # `signal` costs as much as all else here

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def _open_missing() -> None:
    """Open standard streams that the caller has closed: the next file would get their number, and be written to."""
    import os

    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _leave(code: int) -> None:
    """End the process at once where nothing is to happen at its end: taking it apart costs 6 ms of 60."""
    import atexit
    import os

    if os.name == "posix" and atexit._ncallbacks() == 0 and not _threads_go_on():  # noqa: SLF001
        os._exit(code)


def _threads_go_on() -> bool:
    """Whether a step has left threads, or pools of them, that Python waits for."""
    threading = sys.modules.get("threading")
    if threading is None:
        return False
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    return bool(others or getattr(threading, "_threading_atexits", []))


if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):  # since Python 3.11
        del sys.path[0]  # the current directory, whose modules are no part of this program: `python -m` puts it there
    sys.exit(main())
