import os
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from stepengine_steps._storage.ignore import read_ignore_file

NAMES = st.text(alphabet="ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.text(alphabet="ab.*?/![]-\\ #", max_size=8)


@settings(deadline=None, max_examples=60)
@given(patterns=st.lists(PATTERNS, max_size=4), paths=st.sets(PATHS, min_size=1, max_size=6))
def test_ignore_files_are_read_as_git_reads_them(tmp_path_factory, patterns, paths):
    repository = tmp_path_factory.mktemp("repository")
    text = "".join(f"{pattern}\n" for pattern in patterns)
    (repository / ".git" / "info").mkdir(parents=True)
    subprocess.run(
        ["git", "init", "-q", str(repository)], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    )
    (repository / ".git" / "info" / "exclude").write_text(text)
    for path in sorted(paths, key=len):
        if any(parent.is_file() for parent in (repository / path).parents) or (repository / path).exists():
            continue
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text("")
    command = [
        "git",
        "-C",
        str(repository),
        "-c",
        "core.excludesFile=",
        "ls-files",
        "-z",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")[:-1]
    is_ignored = read_ignore_file(text)

    def kept(directory, prefix=""):
        for path in directory.iterdir():
            name = f"{prefix}{path.name}"
            if name == ".git" or is_ignored(name, path.is_dir()):
                continue
            yield from kept(path, f"{name}/") if path.is_dir() else [name]

    assert sorted(kept(repository)) == sorted(listed)
