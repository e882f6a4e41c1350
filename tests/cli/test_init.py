"""`stepengine init` and `stepengine recipes`, run for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from support.distributions import install

IMAGE = ("--field", "image_name=registry.example.com/team/app")


def answer(cli, *arguments, answers):
    """Run the command on a terminal, and type; give its exit code and what the terminal shows."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        cli.command(*arguments), cwd=cli.directory, env=cli.environ, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    shown = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


def test_the_written_file_has_no_problems_and_its_comments(cli):
    outcome = cli.stepengine("init", "--recipe", "docker", *IMAGE)
    assert (outcome.code, outcome.out) == (0, "")
    text = (cli.directory / "prefect.yaml").read_text()
    assert "directory: /opt/prefect/demos" in text
    assert text.startswith("# ")
    assert "dockerfile: auto" in text
    assert (cli.directory / ".prefectignore").is_file()
    assert "no problems" in cli.stepengine("validate").err


@pytest.mark.parametrize("recipe", ["git", "docker-git", "local"])
def test_the_others_have_no_problems(cli, recipe):
    fields = {"git": (), "docker-git": IMAGE, "local": ()}[recipe]
    if recipe != "local":
        fields += ("--field", "repository=https://example.org/a/b.git")
    assert cli.stepengine("init", "-r", recipe, *fields).code == 0
    assert "no problems" in cli.stepengine("validate").err


def test_a_missing_field_is_told_with_the_option_that_gives_it(cli):
    outcome = cli.stepengine("init", "--recipe", "docker-s3")
    assert outcome.code == 2
    assert "needs image_name, bucket" in outcome.err
    assert "--field image_name=demos --field bucket=…" in outcome.err
    assert list(cli.directory.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--recipe", "dokcer"), "did you mean 'docker'?"),
        (("--recipe", "docker", "--field", "imagename=x"), "did you mean 'image_name'?"),
        (("--recipe", "docker", "--field", "image_name"), "no name=value"),
        (("--recipe", "docker", "--field", "image_name=A B"), "does not fit"),
        (("--recipe", "git", "--field", "repository={{ x }}"), "does not fit"),
        (("--recipe", "local", "--field", "name="), "is empty"),
        (("--recipe", "./nothing"), "the recipe nothing (this machine) is broken: recipe.toml"),
        ((), "there are: azure, docker"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(cli, arguments, told):
    outcome = cli.stepengine("init", *arguments)
    assert outcome.code == 2
    assert told in outcome.err
    assert list(cli.directory.iterdir()) == []


def test_a_file_that_is_there_stays_unless_it_is_forced(cli):
    cli.write("prefect.yaml", "name: mine\n")
    cli.write(".prefectignore", "mine\n")
    outcome = cli.stepengine("init", "--recipe", "local")
    assert outcome.code == 2
    assert "there is a prefect.yaml already" in outcome.err
    assert "--force" in outcome.err
    assert (cli.directory / "prefect.yaml").read_text() == "name: mine\n"
    outcome = cli.stepengine("init", "--recipe", "local", "--force")
    assert outcome.code == 0
    assert "kept .prefectignore" in outcome.err
    assert (cli.directory / ".prefectignore").read_text() == "mine\n"
    assert "name: demos" in (cli.directory / "prefect.yaml").read_text()


def test_a_link_to_nowhere_is_a_file_that_is_there(cli):
    (cli.directory / "prefect.yaml").symlink_to(cli.directory / "elsewhere")
    assert cli.stepengine("init", "--recipe", "local").code == 2
    assert not (cli.directory / "elsewhere").exists()


def test_git_and_a_dockerfile_give_defaults_and_no_login_is_written(cli):
    subprocess.run(["git", "init", "-q", "-b", "trunk", "."], cwd=cli.directory, check=True)
    url = "https://me:s3cret@example.org/team/app.git"
    subprocess.run(["git", "remote", "add", "origin", url], cwd=cli.directory, check=True)
    cli.write("Dockerfile", "FROM scratch\n")
    repository = "--field", "repository=https://example.org/team/app.git"
    outcome = cli.stepengine("init", "sub", "--recipe", "git")
    assert outcome.code == 2
    assert "--field repository=https://example.org/team/app.git" in outcome.err
    assert "s3cret" not in outcome.err
    assert cli.stepengine("init", "sub", "--recipe", "git", *repository).code == 0
    assert "branch: trunk" in (cli.directory / "sub" / "prefect.yaml").read_text()
    assert cli.stepengine("init", "--recipe", "docker", *IMAGE).code == 0
    assert "dockerfile: Dockerfile" in (cli.directory / "prefect.yaml").read_text()


@pytest.mark.parametrize("text", ["", "gitdir: \0", "gitdir: .git", "gitdir: /nowhere"])
def test_a_repository_that_is_broken_does_not_matter(cli, text):
    cli.write(".git", text)
    assert cli.stepengine("init", "--recipe", "local").code == 0


@pytest.mark.parametrize("name", ["it's", "a: b", "#x", "null", "{{ x }}", "é \N{SNOWMAN}", "line\nbreak"])
def test_any_name_of_a_directory_gives_a_file_that_validates_or_a_clear_error(cli, name):
    outcome = cli.stepengine("init", name, "--recipe", "local")
    if "{" in name or "\n" in name:
        assert outcome.code == 2
        assert "the recipe local needs name" in outcome.err
    else:
        assert outcome.code == 0
        assert "no problems" in cli.stepengine("validate", name).err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_on_a_terminal_it_asks_with_a_guess_first(cli):
    cli.write("Dockerfile", "FROM scratch\n")
    code, shown = answer(cli, "init", answers="\nA B\nregistry.example.com/app\n")
    assert code == 0, shown
    assert "recipe [docker]: " in shown
    assert "image_name (the image's name" in shown
    assert "[demos]: " in shown
    assert "image_name does not fit" in shown
    assert "image_name: registry.example.com/app" in (cli.directory / "prefect.yaml").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_the_end_of_the_input_is_no_answer(cli):
    code, shown = answer(cli, "init", "--recipe", "docker", answers="\x04")
    assert code == 2, shown
    assert "at its end" in shown
    assert not (cli.directory / "prefect.yaml").exists()


def test_recipes_are_listed_and_shown(cli):
    listed = cli.stepengine("recipes", "list", "--format", "json").json["recipes"]
    assert [each["name"] for each in listed if each["provider"] == "stepengine"] == sorted(
        ["docker", "docker-git", "git", "local", "s3", "gcs", "azure", "docker-s3", "docker-gcs", "docker-azure"]
    )
    shown = cli.stepengine("recipes", "show", "docker", "--format", "json").json
    assert shown in listed
    assert "image_name" in cli.stepengine("recipes", "show", "docker").out
    assert cli.stepengine("recipes", "show").code == 2


PLUGIN = """
import os
from stepengine.plugin import Recipe
print("imported")

def stepengine_recipes():
    yield Recipe({name!r}, os.path.join(os.path.dirname(__file__), {name!r}))
"""


def provide(cli, distribution, name):
    module = distribution.replace("-", "_")
    install(cli, distribution, {f"stepengine/{module}": module}, **{module: PLUGIN.format(name=name)})


def test_a_plugins_recipe_is_used_and_a_broken_one_is_named(cli):
    provide(cli, "with-recipes", "nightly")
    outcome = cli.stepengine("init", "--recipe", "nightly")
    assert outcome.code == 2
    assert "the recipe nightly (with_recipes of with-recipes 1.2) is broken: recipe.toml" in outcome.err
    assert "is broken" in cli.stepengine("recipes", "list").err
    cli.write("site/nightly/recipe.toml", "summary = 'At night'\n[fields.name]\ndefault = '<<project>>'\n")
    cli.write("site/nightly/prefect.yaml", "name: <<name>>\n")
    cli.write("site/nightly/flows.py", "print(1)\n")
    outcome = cli.stepengine("init", "--recipe", "nightly")
    assert outcome.code == 0, outcome.err
    assert (cli.directory / "prefect.yaml").read_text() == "name: demos\n"
    assert (cli.directory / "flows.py").read_text() == "print(1)\n"


def test_two_providers_of_a_recipe_are_named_and_a_built_in_one_imports_none(cli):
    provide(cli, "recipes-one", "nightly")
    provide(cli, "recipes-two", "nightly")
    outcome = cli.stepengine("init", "--recipe", "nightly")
    assert outcome.code == 2
    assert "recipes_one of recipes-one 1.2 and recipes_two of recipes-two 1.2" in outcome.err
    outcome = cli.stepengine("init", "--recipe", "local")
    assert outcome.code == 0
    assert "imported" not in outcome.out + outcome.err


@pytest.mark.docker
def test_what_docker_writes_builds_and_pushes_and_pulls(cli, services, image_name):
    cli.write("Dockerfile", f"FROM {services.base}\nWORKDIR /opt/prefect/demos\nCOPY . .\n")
    cli.write("flows.py", "def flow(): ...\n")
    assert cli.stepengine("init", "--recipe", "docker", "--field", f"image_name={image_name}").code == 0
    credentials = "{{ prefect_docker.docker-registry-credentials.mine }}"
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps({"docker-registry-credentials": {"mine": services.credentials}})
    outcome = cli.stepengine("run", "--set", f"push-image.credentials={credentials}", "--format", "json")
    assert outcome.code == 0, outcome.err
    (pipeline,) = outcome.json["pipelines"]
    assert pipeline["pull"]["directory"] == "/opt/prefect/demos"
    assert outcome.json["deployments"][0]["work_pool"]["job_variables"]["image"] == f"{image_name}:latest"
