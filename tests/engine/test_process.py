import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from stepengine.running import process
from stepengine.running.process import run_process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups and /bin/sh")


@pytest.fixture(params=["poll", "threads"], autouse=True)
def reader(request, monkeypatch):
    """Both ways of reading: the one of this system, and the one of systems that cannot wait for pipes."""
    if request.param == "threads":
        monkeypatch.setattr(process, "_PollReader", process._ThreadReader)


def sh(script, tmp_path, **options):
    return run_process(["/bin/sh", "-c", script], cwd=str(tmp_path), env=dict(os.environ), **options)


def collect(script, tmp_path):
    lines = []
    completed = sh(script, tmp_path, on_line=lambda stream, line: lines.append((stream, line)))
    return completed, lines


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)


def read_pid(path):
    wait_until(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())


def test_status_and_both_streams_come_back(tmp_path):
    assert sh("echo out; echo err >&2; exit 3", tmp_path) == (3, "out\n", "err\n")


def test_lines_come_in_order_with_their_stream(tmp_path):
    _, lines = collect("echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3", tmp_path)
    assert lines == [("stdout", "1"), ("stderr", "2"), ("stdout", "3")]


def test_a_line_is_handed_out_before_the_program_ends(tmp_path):
    seen = []
    started = time.monotonic()
    sh("echo early; sleep 1", tmp_path, on_line=lambda _stream, _line: seen.append(time.monotonic() - started))
    assert seen[0] < 0.8


def test_the_last_line_needs_no_line_end(tmp_path):
    completed, lines = collect("printf 'a\\nb'", tmp_path)
    assert completed.stdout == "a\nb"
    assert lines == [("stdout", "a"), ("stdout", "b")]


def test_empty_lines_are_lines(tmp_path):
    _, lines = collect("printf '\\n\\nx\\n'", tmp_path)
    assert lines == [("stdout", ""), ("stdout", ""), ("stdout", "x")]


def test_undecodable_bytes_are_replaced(tmp_path):
    completed, lines = collect("printf 'a\\377b\\n'", tmp_path)
    assert completed.stdout == "a\ufffdb\n"
    assert lines == [("stdout", "a\ufffdb")]


def test_a_character_split_over_two_writes_is_one_character(tmp_path):
    completed, lines = collect("printf '\\303'; sleep 0.2; printf '\\251\\n'", tmp_path)
    assert completed.stdout == "\u00e9\n"
    assert lines == [("stdout", "\u00e9")]


def test_of_a_line_that_overwrites_itself_the_end_is_shown(tmp_path):
    completed, lines = collect("printf '10%%\\r50%%\\r100%%\\ndone\\r\\n'", tmp_path)
    assert completed.stdout == "10%\r50%\r100%\ndone\r\n"
    assert lines == [("stdout", "100%"), ("stdout", "done")]


@pytest.mark.parametrize("unit", ["x" * 99 + "\n", "x" * 100])
def test_ten_megabytes_come_whole(tmp_path, unit):
    script = f"import sys; sys.stdout.write({unit!r} * 100_000)"
    count = [0]

    def on_line(_stream, line):
        count[0] += len(line)

    completed = run_process([sys.executable, "-c", script], cwd=str(tmp_path), env=dict(os.environ), on_line=on_line)
    assert completed.stdout == unit * 100_000
    assert count[0] == 100_000 * len(unit.strip())


def test_much_output_on_both_streams_blocks_neither(tmp_path):
    script = "import sys\nfor _ in range(200): sys.stdout.write('o' * 10_000); sys.stderr.write('e' * 10_000)"
    completed = run_process([sys.executable, "-c", script], cwd=str(tmp_path), env=dict(os.environ))
    assert (len(completed.stdout), len(completed.stderr)) == (2_000_000, 2_000_000)


def test_a_silent_background_program_does_not_hold_up_the_end(tmp_path):
    started = time.monotonic()
    completed = sh("sleep 30 & echo $! > pid; echo done", tmp_path)
    os.kill(read_pid(tmp_path / "pid"), signal.SIGKILL)
    assert completed.stdout == "done\n"
    assert time.monotonic() - started < 10


def test_a_chatty_background_program_does_not_hold_up_the_end(tmp_path):
    started = time.monotonic()
    completed = sh("(while :; do echo tick; sleep 0.05; done) & echo $! > pid; echo done", tmp_path)
    pid = read_pid(tmp_path / "pid")
    taken = time.monotonic() - started
    alive = is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    assert "done\n" in completed.stdout
    assert taken < 10
    assert alive, "it may go on: nobody interrupted it"


def test_a_background_program_may_write_after_the_end(tmp_path):
    sh("(sleep 2; echo late; echo late; touch survived) & echo done", tmp_path)
    wait_until((tmp_path / "survived").exists)


def test_a_timeout_ends_the_whole_tree(tmp_path):
    with pytest.raises(TimeoutError):
        sh("sleep 60 & echo $! > pid; sleep 60", tmp_path, timeout=0.5)
    wait_until(lambda: not is_alive(read_pid(tmp_path / "pid")))


def test_a_timeout_counts_for_a_program_that_closed_its_output(tmp_path):
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        sh("exec >&- 2>&-; sleep 60", tmp_path, timeout=0.5)
    assert time.monotonic() - started < 10


def test_a_timeout_does_not_count_for_what_is_left_in_the_background(tmp_path):
    completed = sh("sleep 30 & echo $! > pid; sleep 0.3", tmp_path, timeout=1.0)
    os.kill(read_pid(tmp_path / "pid"), signal.SIGKILL)
    assert completed.returncode == 0


def test_a_program_that_ends_in_time_is_not_timed_out(tmp_path):
    assert sh("echo x", tmp_path, timeout=60).stdout == "x\n"


def test_a_program_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.5)
    script = "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done"
    with pytest.raises(TimeoutError):
        sh(script, tmp_path, timeout=0.5)
    assert not is_alive(read_pid(tmp_path / "pid"))


def test_descendants_have_time_to_end_themselves(tmp_path):
    child = "trap 'sleep 0.3; touch cleaned; exit 0' TERM; touch ready; while :; do sleep 0.05; done"
    with pytest.raises(RuntimeError):
        sh(
            f'sh -c "{child}" & while [ ! -e ready ]; do sleep 0.02; done; echo go; wait',
            tmp_path,
            on_line=lambda _stream, _line: (_ for _ in ()).throw(RuntimeError("the caller gives up")),
        )
    assert (tmp_path / "cleaned").exists()


def test_ctrl_c_ends_the_whole_tree(tmp_path):
    program = textwrap.dedent("""
        import os, sys
        from stepengine.running.process import run_process
        script = "trap '' INT; sleep 60 & echo $! > pid; sleep 60"
        try:
            run_process(["/bin/sh", "-c", script], cwd=sys.argv[1], env=dict(os.environ))
        except KeyboardInterrupt:
            sys.exit(130)
    """)
    runner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    grandchild = read_pid(tmp_path / "pid")
    assert is_alive(grandchild)
    runner.send_signal(signal.SIGINT)
    assert runner.wait(20) == 130
    wait_until(lambda: not is_alive(grandchild))


def test_input_is_fed(tmp_path):
    assert sh("cat", tmp_path, stdin=b"secret\n").stdout == "secret\n"


def test_input_larger_than_a_pipe_is_fed(tmp_path):
    assert sh("wc -c", tmp_path, stdin=b"x" * 3_000_000).stdout.strip() == "3000000"


def test_input_that_is_not_read_hurts_nobody(tmp_path):
    assert sh("exit 0", tmp_path, stdin=b"x" * 3_000_000).returncode == 0


def test_without_input_there_is_nothing_to_read(tmp_path):
    assert sh("cat; echo end", tmp_path).stdout == "end\n"


def test_a_program_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        run_process(["no-such-program-anywhere"], cwd=str(tmp_path), env=dict(os.environ))


def test_programs_are_looked_for_on_the_path_given(tmp_path):
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert run_process(["only-here"], cwd="/", env={"PATH": str(tmp_path)}).stdout == "found\n"


def test_a_signal_shows_as_a_negative_status(tmp_path):
    assert sh("kill -9 $$", tmp_path).returncode == -9


def test_the_line_that_a_program_did_not_end_is_told_when_its_time_is_over(tmp_path):
    lines = []
    script = (
        "import sys, time; print('a', flush=True); sys.stdout.write('Password: '); sys.stdout.flush(); time.sleep(30)"
    )
    with pytest.raises(TimeoutError):
        process.run_process(
            [sys.executable, "-c", script],
            cwd=str(tmp_path),
            env=os.environ,
            on_line=lambda _stream, line: lines.append(line),
            timeout=2,
        )
    assert lines == ["a", "Password: "]
