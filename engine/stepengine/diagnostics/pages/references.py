"""Diagnostics of placeholders and what they refer to."""

from __future__ import annotations

from stepengine.diagnostics.pages.page import Page

_IMAGE = """build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build-image
    image_name: registry.example.com/flows
"""

PAGES = (
    Page(
        "unknown-reference",
        "error",
        "A reference leads to nothing",
        """No earlier step has this id, and none gives an output of this name. Prefect drops the input, or puts an
empty text in its place, and goes on; what comes out is rarely meant. `{{ x | default('…') }}` allows for a
missing value, and `--prefect-compat` gives Prefect's behaviour, with a warning each.

In an expression a minus belongs to the name: write spaces around one that subtracts.""",
        _IMAGE
        + """push:
- prefect_docker.deployments.steps.push_docker_image:
    image_name: "{{ build_image.image_name }}"
""",
        7,
        _IMAGE
        + """push:
- prefect_docker.deployments.steps.push_docker_image:
    image_name: "{{ build-image.image_name }}"
""",
    ),
    Page(
        "unknown-output",
        "error",
        "The step has no such output",
        """The id is right, but that step never gives an output of this name.""",
        _IMAGE
        + """deployments:
- name: docker
  work_pool:
    job_variables:
      image: "{{ build-image.img }}"
""",
        9,
        _IMAGE
        + """deployments:
- name: docker
  work_pool:
    job_variables:
      image: "{{ build-image.image }}"
""",
    ),
    Page(
        "reference-to-later",
        "error",
        "The step that is referred to comes later",
        """Steps run in the order of the file, the sections in the order build, push, pull. When this value is needed
the step has not run yet.""",
        """build:
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    tag: "{{ version.stdout }}"
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
""",
        4,
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
- prefect_docker.deployments.steps.build_docker_image:
    image_name: registry.example.com/flows
    tag: "{{ version.stdout }}"
""",
    ),
    Page(
        "reference-to-elsewhere",
        "error",
        "The step belongs to another deployment",
        """A deployment sees the outputs of its own pipeline: the file's sections, or its own where it has them. The
step that is referred to runs for another deployment.""",
        """deployments:
- name: one
  build:
  - prefect.deployments.steps.run_shell_script:
      id: version
      script: git describe
  version: "{{ version.stdout }}"
- name: two
  version: "{{ version.stdout }}"
""",
        9,
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
deployments:
- name: one
  version: "{{ version.stdout }}"
- name: two
  version: "{{ version.stdout }}"
""",
    ),
    Page(
        "reference-to-worker",
        "error",
        "The value is known on the worker only",
        """Pull steps run on the worker, each time that a flow runs. A deployment's fields are filled in before, when
it is made, and cannot have their outputs.""",
        """pull:
- prefect.deployments.steps.git_clone:
    id: clone
    repository: https://example.com/flows.git
deployments:
- name: one
  entrypoint: "{{ clone.directory }}/flows.py:main"
""",
        7,
        """pull:
- prefect.deployments.steps.git_clone:
    id: clone
    repository: https://example.com/flows.git
deployments:
- name: one
  entrypoint: flows.py:main
""",
    ),
    Page(
        "unset-name",
        "warning",
        "A bare name is taken from the environment",
        """Prefect fills a bare name in a deployment's field from the environment when it deploys, if no step gives it.
`{{ $NAME }}` says so, works in steps, too, and is told of when the variable is not set.""",
        """deployments:
- name: one
  work_pool:
    name: "{{ WORK_POOL }}"
""",
        4,
        """deployments:
- name: one
  work_pool:
    name: "{{ $WORK_POOL }}"
""",
    ),
    Page(
        "expression-syntax",
        "error",
        "An expression cannot be read",
        """Between the braces stands what is meant as a Jinja2 expression, and it is none; or it uses a filter or a
function that is not allowed here.""",
        _IMAGE
        + """    tag: "{{ $VERSION | default( }}"
""",
        5,
        _IMAGE
        + """    tag: "{{ $VERSION | default('latest') }}"
""",
    ),
    Page(
        "foreign-placeholder",
        "warning",
        "A placeholder is of another language",
        """Double braces are also Go's and Handlebars'. What is neither a reference nor an expression is passed on as
it is written, which is what a `docker` command with `--format` needs.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    script: docker images --format "{{.ID}}"
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    script: docker images --quiet
""",
    ),
    Page(
        "unresolved-reference",
        "error or warning",
        "A value cannot be had here",
        """`plan` and `run` look for each block, variable and environment variable before anything runs. This one is
missing: set it, or name a source that has it. It is a warning where another place may have it: the
environment of the worker that runs the pull steps, and the server that a deployment's fields go to.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    script: echo "{{ $A_VARIABLE_THAT_IS_NOT_SET }}"
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    script: echo "{{ $A_VARIABLE_THAT_IS_NOT_SET | default('none') }}"
""",
        command="plan",
    ),
    Page(
        "left-out-step",
        "error",
        "A step is needed that --only leaves out",
        """The chosen sections refer to an output of a section that is not chosen. Choose that one as well, or give the
value by `--set`.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
push:
- prefect.deployments.steps.run_shell_script:
    script: git push origin "{{ version.stdout }}"
""",
        7,
        """push:
- prefect.deployments.steps.run_shell_script:
    id: version
    script: git describe
- prefect.deployments.steps.run_shell_script:
    script: git push origin "{{ version.stdout }}"
""",
        command="plan --only push",
    ),
)
