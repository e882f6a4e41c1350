"""Diagnostics of sections and their steps."""

from __future__ import annotations

from stepengine.diagnostics.pages.page import Page

PAGES = (
    Page(
        "step-form",
        "error",
        "An entry of a section is not a step",
        """A step is a mapping of one key, the step's name, to its inputs. A name alone, without the colon, is a text,
and inputs that are not a mapping cannot be passed.""",
        """pull:
- prefect.deployments.steps.set_working_directory: /opt/project
""",
        2,
        """pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/project
""",
    ),
    Page(
        "inputs-as-siblings",
        "error",
        "Inputs stand beside the step's name",
        """The inputs are not indented further than the step's name, so YAML makes them further keys of the same
mapping. Prefect refuses such a step when it runs: "unexpected additional keys". Indent them below the name.
Where the second key is another step, it lacks its own `- `.""",
        """pull:
- prefect.deployments.steps.set_working_directory:
  directory: /opt/project
""",
        3,
        """pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/project
""",
    ),
    Page(
        "unknown-step",
        "error or warning",
        "A step name stands for nothing",
        """No built-in step, no installed package and no module beside the file has a function of this name; or there
is one, but it cannot be imported, or two packages provide it. `stepengine steps list` names the steps that
there are.

It is a warning where another place may know the name: a pull step's package may be in the image, and what a
step `requires` may be installed before it runs.""",
        """pull:
- prefect.deployments.steps.get_clone:
    repository: https://example.com/flows.git
""",
        2,
        """pull:
- prefect.deployments.steps.git_clone:
    repository: https://example.com/flows.git
""",
    ),
    Page(
        "deprecated-name",
        "warning",
        "A step has a new name",
        """Names of early Prefect 2 releases still work, here and nowhere else: Prefect 3 does not know them. Each old
name is reported once a file.""",
        """pull:
- prefect.projects.steps.set_working_directory:
    directory: /opt/project
""",
        2,
        """pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/project
""",
    ),
    Page(
        "wrong-phase",
        "warning",
        "A step stands in a section of the other side",
        """`build` and `push` run on the machine that deploys, `pull` on the worker before each flow run. A step may be
made for one side: an image that the pull steps built would be built again for every flow run.""",
        """pull:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: localhost:5000/demos/app
    tag: v1
""",
        2,
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: localhost:5000/demos/app
    tag: v1
""",
    ),
    Page(
        "unknown-input",
        "error",
        "A step has no such input",
        """The step's function has no argument of this name, and calling it would fail. The names are those of its
signature; `stepengine steps show NAME` lists them. Steps that accept any input (`**kwargs`) are not
checked.""",
        """pull:
- prefect.deployments.steps.set_working_directory:
    path: /opt/project
""",
        3,
        """pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/project
""",
    ),
    Page(
        "missing-input",
        "error",
        "An input is missing",
        """The step's function has an argument without a default, and the file does not give it.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
""",
        2,
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
""",
    ),
    Page(
        "input-type",
        "error or warning",
        "An input is of another type than the step wants",
        """The value does not fit the annotation of the step's argument. It is an error where the step would fail. It
is a warning where the value is another kind of scalar, which the step takes as it is (`tag: 1.10` becomes
the number 1.1: quote it), and for steps of your own and of other packages, whose annotations Python does not
enforce.""",
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    additional_tags: latest
""",
        4,
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    additional_tags: [latest]
""",
    ),
    Page(
        "step-check",
        "warning",
        "The step itself warns of its inputs",
        """A step may look at what types cannot tell. The built-in shell step, for one, tells of pipes, variables and
`cd` in a script whose lines run as programs of their own.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    script: git describe | tr -d v
""",
        2,
        """build:
- prefect.deployments.steps.run_shell_script:
    shell: true
    script: git describe | tr -d v
""",
    ),
    Page(
        "id-form",
        "warning",
        "No reference can name the id",
        """A reference begins with an id made of letters, digits, `_` and `-`; other characters end it, as in Prefect.
The step runs all the same, and its outputs can be reached by their own names alone.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    id: the version
    script: git describe
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    id: the-version
    script: git describe
""",
    ),
    Page(
        "duplicate-id",
        "warning",
        "Two steps of a pipeline have one id",
        """References after the second step mean the second; the first step's outputs can then be reached no more.
Prefect does the same without a word.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git rev-parse HEAD
""",
        6,
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
- prefect.deployments.steps.run_shell_script:
    id: commit
    script: git rev-parse HEAD
""",
    ),
    Page(
        "no-image",
        "error",
        "The pull steps are to run in an image that is not there",
        """`--pull-in image` runs the pull steps in the pipeline's image: the one that it builds, or that its deployment
names. It has neither, or `--only` leaves out the step that builds it. `--pull-in image=NAME:TAG` names one.""",
        """pull:
- prefect.deployments.steps.run_shell_script:
    script: pwd
""",
        2,
        """pull:
- prefect.deployments.steps.run_shell_script:
    script: pwd
deployments:
- name: nightly
  work_pool:
    job_variables:
      image: registry.example.com/flows:1.0
""",
        command="plan --pull-in image",
    ),
    Page(
        "unmet-requirement",
        "warning",
        "Nothing here meets a requirement",
        """`plan` finds no distribution that meets what a step requires: neither a built-in step that counts as it, nor
an installed one of that version, with its extras, nor an environment that was made for it. `run --install` makes one;
without it `run` asks on a terminal, and elsewhere ends with exit code 4.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    requires: a-distribution-of-nobody>=1.0
    script: git describe
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    requires: prefect>=3.0
    script: git describe
""",
        command="plan",
    ),
    Page(
        "requirement-form",
        "error",
        "A requirement is none",
        """What a step requires is a name with, where wanted, versions, extras and a marker, as
[PEP 508](https://peps.python.org/pep-0508/) has it.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    requires: prefect 3
    script: git describe
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    requires: prefect>=3
    script: git describe
""",
    ),
    Page(
        "pull-directory",
        "warning",
        "The image may not have the directory",
        """`dockerfile: auto` puts the project into `/opt/prefect/` and the name of the file's directory. The first
pull step enters a directory elsewhere, which is there only if the base image has it.""",
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    dockerfile: auto
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/my_directory
""",
        7,
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    dockerfile: auto
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt/prefect/flows
""",
    ),
)
