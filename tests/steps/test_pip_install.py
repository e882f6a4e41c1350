import os
import shutil
import subprocess
import sys
import textwrap
import zipfile

import pytest

from stepengine.plugin import Completed, Context, StepError
from stepengine_steps import _pip
from stepengine_steps.pip import pip_install_requirements

UV = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]))


def build_wheel(directory, name="greeting", version="1.0"):
    """Write a wheel by hand: no build backend, no network."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "HELLO = 'hello'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


def python_of(environment):
    return str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


@pytest.fixture(scope="module")
def with_pip(tmp_path_factory):
    environment = tmp_path_factory.mktemp("with-pip") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    return environment


@pytest.fixture
def without_pip(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    return tmp_path / "env"


@pytest.fixture
def uv():
    if not UV:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("uv is not installed")
    return UV


@pytest.fixture
def events():
    return []


@pytest.fixture(params=["uv", "pip"])
def context(request, tmp_path, events, with_pip):
    """A run in a project directory, once with each installer, for a fresh interpreter."""
    if request.param == "uv":
        request.getfixturevalue("uv")
    project = tmp_path / "project"
    project.mkdir()
    build_wheel(project / "wheels")
    made = new_context(project, with_pip, events, uv=request.param == "uv")
    yield made
    subprocess.run([python_of(with_pip), "-m", "pip", "uninstall", "-qy", "greeting"], check=True)


def new_context(project, environment, events, *, uv):
    bare = project / "programs"
    bare.mkdir()
    if uv:
        (bare / "uv").symlink_to(UV)
    # A home of its own: no configuration of the machine's decides which installer it is.
    environ = {"PATH": str(bare), "HOME": str(project), "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    return Context(
        str(project),
        environ=environ,
        python=python_of(environment),
        emit=lambda kind, data: events.append((kind, data)),
    )


def require(context, text, name="requirements.txt"):
    with open(os.path.join(context.directory, name), "w") as file:
        file.write(textwrap.dedent(text))


def is_installed(context):
    return subprocess.run([context.python, "-c", "import greeting"], capture_output=True, check=False).returncode == 0


def fail(context, **inputs):
    with pytest.raises(StepError) as caught:
        pip_install_requirements(context=context, **inputs)
    return caught.value


def secrets(events):
    return {data["value"] for kind, data in events if kind == "secret"}


LOCAL = "--no-index\n--find-links ./wheels\n"


def test_the_requirements_are_installed(context, events):
    require(context, LOCAL + "greeting==1.0\n")
    outputs = pip_install_requirements(context=context)
    assert is_installed(context)
    assert "greeting" in outputs["stdout"] + outputs["stderr"]
    assert any(kind == "output" for kind, _ in events)


def test_nothing_is_shown_without_stream_output(context, events):
    require(context, LOCAL + "greeting\n")
    pip_install_requirements(stream_output=False, context=context)
    assert not any(kind == "output" for kind, _ in events)


def test_the_file_may_be_elsewhere(context):
    sub = os.path.join(context.directory, "sub")
    os.mkdir(sub)
    require(context, "--no-index\n--find-links ../wheels\ngreeting\n", "sub/dev.txt")
    pip_install_requirements(directory="sub", requirements_file="dev.txt", context=context)
    assert is_installed(context)


def test_a_file_whose_name_is_like_an_option(context):
    require(context, LOCAL + "greeting\n", "--help")
    pip_install_requirements(requirements_file="--help", context=context)
    assert is_installed(context)


def test_a_requirement_that_does_not_exist_is_named(context):
    require(context, LOCAL + "greeting\nno-such-thing>=2\n")
    error = fail(context)
    assert error.message.startswith("requirements.txt was not installed: no-such-thing")
    assert error.hint
    assert "no-such-thing" in error.output
    assert not is_installed(context)


def test_a_version_that_does_not_exist_is_named(context):
    require(context, LOCAL + "greeting==9\n")
    assert "greeting==9" in fail(context).message


def test_a_requirement_that_is_none_is_named(context):
    require(context, "greeting ===== 1\n")
    assert "===== 1" in fail(context).message


@pytest.mark.parametrize(
    "text",
    [
        "error: externally-managed-environment\n\nx This environment is externally managed",
        "error: The interpreter at /usr is externally managed, and indicates the following:",
    ],
)
def test_an_interpreter_that_belongs_to_the_system(text):
    message, hint = _pip.explain(Completed(1, "", text), "/usr/bin/python3")
    assert message == "/usr/bin/python3 belongs to the system, which forbids it (PEP 668)"
    assert "virtual environment" in hint


def test_a_missing_file_is_found_before_anything_runs(context):
    require(context, "", "requirement.txt")
    error = fail(context)
    assert error.message == f"there is no requirements.txt in {context.directory}"
    assert error.hint == "did you mean requirement.txt?"


def test_a_missing_directory(context):
    assert fail(context, directory="nowhere").message == "the directory nowhere does not exist"


def test_credentials_are_masked(context, events):
    context.environ.update(
        PIP_EXTRA_INDEX_URL="https://me:from-pip@localhost:1/simple",
        UV_INDEX_URL="https://me:from%20uv@localhost:1/simple",
        MY_TOKEN="from-variable",
    )
    require(context, "-r base.txt\n--index-url https://me:from-file@localhost:1/simple\n")
    require(
        context,
        """\
        --extra-index-url https://from-base@localhost:1/
        https://${MY_TOKEN}@localhost:1/x-1.0-py3-none-any.whl
        git+ssh://git@localhost/x.git
        -r base.txt
        """,
        "base.txt",
    )
    _pip.hide_credentials(context.directory, "requirements.txt", context)
    assert secrets(events) == {"from-pip", "from%20uv", "from uv", "from-file", "from-base", "from-variable"}


def test_an_interpreter_without_pip_and_no_uv(tmp_path, without_pip, events):
    context = new_context(tmp_path, without_pip, events, uv=False)
    require(context, "greeting\n")
    error = fail(context)
    assert error.message.endswith("has no pip")
    assert "uv" in error.hint
    assert "ensurepip" in error.hint


def test_uv_needs_no_pip(uv, tmp_path, without_pip, events):
    project = tmp_path / "project"
    project.mkdir()
    build_wheel(project / "wheels")
    context = new_context(project, without_pip, events, uv=True)
    require(context, LOCAL + "greeting\n")
    pip_install_requirements(context=context)
    assert is_installed(context)


def test_pips_index_counts_for_uv(uv, tmp_path, without_pip, events):
    context = new_context(tmp_path, without_pip, events, uv=True)
    context.environ.update(PIP_INDEX_URL="https://private/simple", PIP_CERT="/ca.pem")
    args, variables = _pip.installer("requirements.txt", context)
    assert os.path.basename(args[0]) == "uv"
    assert variables == {"UV_DEFAULT_INDEX": "https://private/simple", "SSL_CERT_FILE": "/ca.pem"}
    context.environ["UV_INDEX_URL"] = "https://of-uv/simple"
    assert "UV_DEFAULT_INDEX" not in _pip.installer("requirements.txt", context)[1]


@pytest.mark.parametrize(
    ("setting", "variables"),
    [
        ("index-url = https://private/simple", {"UV_DEFAULT_INDEX": "https://private/simple"}),
        ("index_url=https://private/simple", {"UV_DEFAULT_INDEX": "https://private/simple"}),
        ("Index-Url : https://private/simple", {"UV_DEFAULT_INDEX": "https://private/simple"}),
        ("--index-url = https://private/simple", {"UV_DEFAULT_INDEX": "https://private/simple"}),
        (
            "EXTRA_INDEX_URL = https://a/simple\n  https://b/simple",
            {"UV_INDEX": "https://a/simple https://b/simple", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ("no-index = true", {"UV_NO_INDEX": "1"}),
        ("no-index = false", {}),
        ("find_links = /wheels /more", {"UV_FIND_LINKS": "/wheels,/more"}),
        ("timeout = 5", {}),
    ],
)
def test_every_spelling_of_where_packages_are_looked_for_counts(setting, variables, uv, tmp_path, without_pip, events):
    context = new_context(tmp_path, without_pip, events, uv=True)
    (tmp_path / "pip.conf").write_text(f"[install]\n{setting}\n")
    context.environ.update(PIP_CONFIG_FILE=str(tmp_path / "none"), XDG_CONFIG_DIRS=str(tmp_path))
    of_the_machine = _pip.installer("requirements.txt", context)[1]
    context.environ["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    assert _pip.installer("requirements.txt", context)[1] == of_the_machine | variables
    # It is how pip reads it.
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], env=context.environ, capture_output=True, text=True, check=True
    ).stdout
    name = setting.replace("_", "-").lstrip("-").lower().split()[0].split("=")[0]
    assert f"install.{name}=" in listed


@pytest.mark.skipif(os.name == "nt", reason="pip.ini")
@pytest.mark.parametrize(
    "place",
    [
        "home/.config/pip",
        "home/.pip",
        "home/Library/Application Support/pip",
        "elsewhere/pip",
        "site-1/pip",
        "site-2/pip",
        "env",
    ],
)
def test_pips_configuration_is_found_wherever_pip_looks(place, uv, tmp_path, without_pip, events):
    context = new_context(tmp_path, without_pip, events, uv=True)
    sites = os.pathsep.join(str(tmp_path / name) for name in ("site-1", "site-2"))
    context.environ.update(HOME=str(tmp_path / "home"), XDG_CONFIG_DIRS=sites)
    del context.environ["PIP_CONFIG_FILE"]
    if place.startswith("elsewhere"):
        context.environ["XDG_CONFIG_HOME"] = str(tmp_path / "elsewhere")
    of_the_machine = _pip.installer("requirements.txt", context)[1]
    file = tmp_path / place / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[global]\nindex_url = https://me:from-config@private/simple\n")
    found = _pip.installer("requirements.txt", context)[1]
    assert found == of_the_machine | {"UV_DEFAULT_INDEX": "https://me:from-config@private/simple"}
    _pip.hide_credentials(str(tmp_path), "requirements.txt", context)
    assert secrets(events) == {"from-config"}
    context.environ["PIP_CONFIG_FILE"] = os.devnull
    assert not _pip.installer("requirements.txt", context)[1]


def test_uvs_own_configuration_goes_before_pips(uv, tmp_path, without_pip, events):
    context = new_context(tmp_path, without_pip, events, uv=True)
    context.environ.update(PIP_EXTRA_INDEX_URL="https://of-pip/simple", UV_INDEX="https://of-uv/simple")
    assert not _pip.installer("requirements.txt", context)[1]
