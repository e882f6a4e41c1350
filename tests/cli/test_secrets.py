"""Secrets never show: not in text, JSON, errors, plans or bug reports; not in argv."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

SHELL = "prefect.deployments.steps.run_shell_script"
SECRET = "hunter2/correct+horse=battery"


def shows(outcome) -> str:
    return outcome.out + outcome.err


@pytest.mark.parametrize("format_", ["text", "json"])
def test_an_environment_variable_named_like_a_secret_is_masked(cli, format_):
    cli.environ["DEPLOY_TOKEN"] = SECRET
    outcome = cli.run(f"build:\n- {SHELL}:\n    id: leak\n    script: printenv DEPLOY_TOKEN\n", "--format", format_)
    assert outcome.code == 0
    assert SECRET not in shows(outcome)
    assert "***" in shows(outcome)


def test_encoded_and_broken_forms_are_masked(cli):
    cli.environ["DEPLOY_TOKEN"] = SECRET
    cli.write(
        "leak.py",
        "import base64, os, json\nfrom urllib.parse import quote\n"
        "def main():\n    s = os.environ['DEPLOY_TOKEN']\n"
        "    print('url', quote(s, safe=''))\n"
        "    print('b64', base64.b64encode(s.encode()).decode())\n"
        "    print('basic', base64.b64encode(('user:' + s).encode()).decode())\n"
        "    print('split'); print(s[:9]); print(s[9:])\n"
        "    return {'whole': s, 'in': {'list': ['a' + s]}, 'b64': base64.b64encode(s.encode()).decode()}\n",
    )
    outcome = cli.run("build:\n- leak.main:\n", "--format", "json")
    assert outcome.code == 0, outcome.err
    shown = shows(outcome)
    for form in (
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(("user:" + SECRET).encode()).decode()[8:-6],
        SECRET[:9],
        SECRET[9:],
    ):
        assert form not in shown, form


def test_a_block_reaches_the_step_and_nothing_else(cli):
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps({"secret": {"my-token": {"value": SECRET}}})
    cli.write(
        "check.py",
        f"def main(token):\n    assert token == {SECRET!r}\n    return {{'got': token, 'size': len(token)}}\n",
    )
    text = "build:\n- check.main:\n    id: c\n    token: '{{ prefect.blocks.secret.my-token }}'\n"
    outcome = cli.run(text, "--format", "json")
    assert outcome.json["pipelines"][0]["outputs"]["c"] == {"got": "***", "size": len(SECRET)}
    assert SECRET not in shows(outcome)
    plan = cli.stepengine("plan", "--format", "json")
    assert plan.json["pipelines"][0]["steps"][0]["inputs"] == [
        {"name": "token", "state": "secret", "value": "***", "after": []}
    ]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_the_file_has_under_the_name_of_a_secret_is_masked(cli, command):
    cli.write("leak.py", "def main(**inputs):\n    print(inputs)\n")
    cli.write(
        "prefect.yaml",
        f"build:\n- leak.main:\n    settings:\n    - {{aws_access_key_id: of-all, aws_secret_access_key: {SECRET}}}\n"
        "    token: '{{ $HOME }}'\n    address: https://me:of-the-address@example.com/\n",
    )
    outcome = cli.stepengine(command)
    assert outcome.code == 0
    assert SECRET not in shows(outcome)
    assert "of-the-address" not in shows(outcome)
    assert "of-all" in shows(outcome)


def test_what_derives_from_a_secret_is_one(cli):
    cli.environ["DEPLOY_TOKEN"] = "abc-secret-xyz"
    text = f"build:\n- {SHELL}:\n    script: echo {{{{ $DEPLOY_TOKEN | upper | reverse }}}}\n"
    outcome = cli.run(text)
    assert outcome.code == 0
    assert "ZYX-TERCES-CBA" not in shows(outcome)


def test_a_secret_in_an_error_is_masked(cli):
    cli.environ["DEPLOY_TOKEN"] = SECRET
    cli.write("fail.py", "import os\ndef main():\n    raise RuntimeError('cannot use ' + os.environ['DEPLOY_TOKEN'])\n")
    outcome = cli.run("build:\n- fail.main:\n", "--format", "json")
    assert outcome.code == 1
    assert SECRET not in shows(outcome)
    assert "cannot use ***" in outcome.json["error"]["message"]


def test_a_variable_of_any_name_is_a_secret_when_the_command_line_says_so(cli):
    cli.environ["PLAIN"] = "nothing-special-here"
    text = f"build:\n- {SHELL}:\n    script: echo {{{{ $PLAIN }}}}\n"
    assert "nothing-special-here" in shows(cli.run(text))
    assert "nothing-special-here" not in shows(cli.run(text, "--secret", "PLAIN"))


def test_a_secret_can_come_from_a_file_or_standard_input_and_never_from_the_command_line(cli):
    cli.write("token.txt", "from-a-file-12345\n")
    text = f"build:\n- {SHELL}:\n    id: a\n    script: echo {{{{ $GIVEN }}}}\n"
    cli.write("prefect.yaml", text)
    for arguments, stdin in ((["GIVEN=@token.txt"], ""), (["GIVEN=@-"], "from-standard-input\n")):
        outcome = cli.stepengine("run", "--format", "json", "--secret", *arguments, stdin=stdin)
        assert outcome.json["pipelines"][0]["outputs"]["a"]["stdout"] == "***"
    refused = cli.stepengine("run", "--secret", "GIVEN=visible-to-all")
    assert refused.code == 2
    assert "can read what a command line holds" in refused.err
    assert "visible-to-all" not in shows(refused)


def test_a_secret_is_masked_in_what_pull_prints(cli):
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps({"secret": {"my-token": {"value": SECRET}}})
    text = f"pull:\n- {SHELL}:\n    script: echo '{{{{ prefect.blocks.secret.my-token }}}}'\n"
    outcome = cli.run(text, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert SECRET not in shows(outcome)


def test_a_blocks_file_that_others_can_read_is_refused(cli):
    file = cli.write("blocks.yaml", "blocks:\n  secret:\n    t: {value: from-the-blocks-file}\n")
    cli.environ["STEPENGINE_BLOCKS_FILE"] = str(file)
    text = f"build:\n- {SHELL}:\n    id: a\n    script: echo '{{{{ prefect.blocks.secret.t }}}}'\n"
    file.chmod(0o644)
    outcome = cli.run(text)
    assert outcome.code == 2
    assert f"chmod 600 {file}" in outcome.err
    file.chmod(0o600)
    assert cli.run(text).code == 0


def test_the_blocks_file_of_the_user_is_found(cli):
    file = cli.directory.parent / ".config" / "stepengine" / "blocks.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("variables: {region: north}\n")
    file.chmod(0o600)
    text = f"build:\n- {SHELL}:\n    id: a\n    script: echo {{{{ prefect.variables.region }}}}\n"
    assert cli.result(text)["pipelines"][0]["outputs"]["stdout"] == "north"


@pytest.mark.parametrize("value", ["{not json", "[1]", '"text"'])
def test_blocks_that_are_no_json_object_are_told_without_their_text(cli, value):
    cli.environ["STEPENGINE_BLOCKS"] = value
    outcome = cli.run(f"build:\n- {SHELL}:\n    script: echo '{{{{ prefect.blocks.secret.t }}}}'\n")
    assert outcome.code == 2
    assert "STEPENGINE_BLOCKS is not" in outcome.err


def test_a_missing_block_is_told_with_a_near_miss(cli):
    cli.environ["STEPENGINE_BLOCKS"] = json.dumps({"secret": {"my-token": {"value": SECRET}}})
    outcome = cli.run(f"build:\n- {SHELL}:\n    script: echo '{{{{ prefect.blocks.secret.my-tokn }}}}'\n")
    assert outcome.code == 2
    assert "did you mean 'secret/my-token'?" in outcome.err


def test_a_secret_that_a_child_of_a_plain_function_prints_is_masked(cli):
    cli.environ["DEPLOY_TOKEN"] = SECRET
    cli.write(
        "leak.py",
        "import os, subprocess\n"
        "def main():\n    subprocess.run(['printenv', 'DEPLOY_TOKEN'])\n    os.system('echo inherits $DEPLOY_TOKEN >&2')\n"
        "    os.write(1, os.environ['DEPLOY_TOKEN'].encode())\n",
    )
    for format_ in ("text", "json"):
        outcome = cli.run("build:\n- leak.main:\n", "--format", format_)
        assert outcome.code == 0
        assert SECRET not in shows(outcome)
        assert "inherits ***" in outcome.err


def test_a_secret_in_an_id_a_name_or_a_place_is_masked(cli):
    cli.environ["DEPLOY_TOKEN"] = "secret-in-names"
    (cli.directory / "secret-in-names").mkdir()
    text = f"""
build:
- {SHELL}:
    id: secret-in-names
    script: echo
pull:
- prefect.deployments.steps.set_working_directory:
    directory: {cli.directory}/secret-in-names
deployments:
- name: secret-in-names
- name: another
  build: []
"""
    for format_ in ("text", "json"):
        outcome = cli.run(text, "--format", format_)
        assert outcome.code == 0, outcome.err
        assert "secret-in-names" not in shows(outcome)


def test_an_exception_that_is_no_exception_of_pythons_usual_ones_is_masked_too(cli):
    cli.environ["DEPLOY_TOKEN"] = SECRET
    cli.write(
        "odd.py", "import os\nclass Odd(BaseException): pass\ndef main():\n    raise Odd(os.environ['DEPLOY_TOKEN'])\n"
    )
    outcome = cli.run("build:\n- odd.main:\n", "--format", "json")
    assert outcome.code == 1
    assert outcome.json["error"]["message"] == "Odd: ***"
    assert SECRET not in shows(outcome)


def test_a_variable_that_the_last_step_sets_is_masked_in_its_outputs(cli):
    cli.write(
        "leak.py",
        "import os\ndef main():\n    os.environ['NEW_TOKEN'] = 'of-the-step-77'\n    return {'text': 'has of-the-step-77'}\n",
    )
    outcome = cli.run("build:\n- leak.main: {}\n", "--format", "json")
    assert outcome.code == 0
    assert "of-the-step-77" not in shows(outcome)
