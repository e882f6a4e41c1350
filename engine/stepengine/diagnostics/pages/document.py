"""Diagnostics of the text: is it YAML, and which YAML."""

from __future__ import annotations

from stepengine.diagnostics.pages.page import Page

PAGES = (
    Page(
        "encoding",
        "error",
        "The file is not UTF-8",
        """The file holds a byte that cannot stand in a UTF-8 text, most often because an editor saved it in an older
encoding. UTF-16 is read, too, when the file begins with a byte order mark.""",
        """name: café
""",
        1,
        """name: café
""",
        encoding="latin-1",
    ),
    Page(
        "yaml-syntax",
        "error",
        "The file is not YAML",
        """The text cannot be read as YAML 1.1, which is what Prefect reads. The message says what the reader stumbled
over; the mistake is on that line or just before it. Frequent causes: tabs as indentation, entries of one
list that do not start in one column, a `: ` or a leading `@`, `%` or `*` in an unquoted value, a quote that
nothing closes, a Jinja block (`{% if … %}`) outside of a quoted value.

A value that looks like a date or a number but is none (`2024-02-30`) is reported as well: quote it to keep
it as text.""",
        """build:
  - prefect.deployments.steps.run_shell_script:
      script: make
     id: make
""",
        4,
        """build:
  - prefect.deployments.steps.run_shell_script:
      script: make
      id: make
""",
    ),
    Page(
        "unquoted-placeholder",
        "error",
        "A placeholder is not quoted",
        """YAML takes `{{ x }}` for a mapping inside of a mapping. Quotes around the whole value make it a text, in
which stepengine and Prefect find the placeholder.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    script: {{ $BUILD_COMMAND }}
""",
        3,
        """build:
- prefect.deployments.steps.run_shell_script:
    script: "{{ $BUILD_COMMAND }}"
""",
    ),
    Page(
        "several-documents",
        "error",
        "The file holds several YAML documents",
        """A line `---` begins another document. Prefect reads files of one document only, so the whole file would be
ignored. Keep one; environments and the like belong into files of their own.""",
        """name: first
---
name: second
""",
        2,
        """name: first
""",
    ),
    Page(
        "undefined-alias",
        "error",
        "An alias has no anchor",
        """`*name` repeats what `&name` marked before it. Here nothing before the alias has that anchor: it is
misspelt, or stands further down.""",
        """definitions:
  pool: &pool {name: docker}
deployments:
- name: one
  work_pool: *pol
""",
        5,
        """definitions:
  pool: &pool {name: docker}
deployments:
- name: one
  work_pool: *pool
""",
    ),
    Page(
        "recursive-alias",
        "error",
        "An alias is inside of what it names",
        """The alias would stand for a value that contains itself without end.""",
        """definitions:
  tags: &tags [a, *tags]
""",
        2,
        """definitions:
  tags: &tags [a, b]
""",
    ),
    Page(
        "duplicate-anchor",
        "error",
        "An anchor is defined twice",
        """YAML allows an anchor to be defined again, but the loader that Prefect uses refuses the file.""",
        """definitions:
  small: &pool {name: small}
  large: &pool {name: large}
""",
        3,
        """definitions:
  small: &small {name: small}
  large: &large {name: large}
""",
    ),
    Page(
        "duplicate-key",
        "warning",
        "A key stands twice in one mapping",
        """The last one counts, as in Prefect, and the first is ignored without a word. Most often a block was copied
and one line too many was kept.""",
        """build:
- prefect.deployments.steps.run_shell_script:
    script: make
    script: make all
""",
        4,
        """build:
- prefect.deployments.steps.run_shell_script:
    script: make all
""",
    ),
    Page(
        "yaml-tag",
        "error",
        "A YAML tag is not supported",
        """Values are plain: texts, numbers, dates, true and false, null, lists and mappings. The tags of those (`!!str
1.10`) are understood; others, such as `!Ref` or `!!python/object`, are not.""",
        """name: demo
prefect-version: !version 3.8.8
""",
        2,
        """name: demo
prefect-version: 3.8.8
""",
    ),
    Page(
        "yaml-limit",
        "error",
        "The file is nested too deeply, or too large",
        """Files are refused that would take a machine's memory or stack: mappings and lists nested more than 100
levels deep, aliases that stand for more than five million values, an input with placeholders that has more
than 200,000 values.""",
        f"""definitions: {"[" * 101}{"]" * 101}
""",
        1,
        """definitions: [[[]]]
""",
    ),
    Page(
        "empty-file",
        "warning",
        "The file is empty",
        """There is nothing in it, or comments alone: nothing would run.""",
        """# name: demo
""",
        1,
        """name: demo
""",
    ),
    Page(
        "not-a-mapping",
        "error",
        "The file is not a mapping",
        """A prefect.yaml is a mapping with keys such as `name`, `build`, `push`, `pull` and `deployments`. This one is
a list or a single value.""",
        """- prefect.deployments.steps.run_shell_script:
    script: make
""",
        1,
        """build:
- prefect.deployments.steps.run_shell_script:
    script: make
""",
    ),
    Page(
        "schema",
        "error or warning",
        "The schema refuses it",
        """The JSON Schema that `stepengine schema` prints for editors does not allow this key or value. It is an error
where `stepengine validate` has an error for it, and a warning where that only warns; what `validate` says of the
same place often says more.""",
        """build:
- run_shell_script:
    script: [make, all]
""",
        3,
        """build:
- run_shell_script:
    script: make all
""",
        command="schema --check",
    ),
)
