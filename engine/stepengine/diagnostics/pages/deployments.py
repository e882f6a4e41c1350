"""Diagnostics of keys, types, deployments and schedules."""

from __future__ import annotations

from stepengine.diagnostics.pages.page import Page

PAGES = (
    Page(
        "unknown-key",
        "warning",
        "A key means nothing here",
        """Prefect ignores keys that it does not know, so what stands below them has no effect. Often the key belongs
one level up or down, or has another name in Prefect 3. Top-level values with an anchor are not reported.""",
        """deployments:
- name: one
  job_variables:
    image: registry.example.com/flows
""",
        3,
        """deployments:
- name: one
  work_pool:
    job_variables:
      image: registry.example.com/flows
""",
    ),
    Page(
        "wrong-type",
        "error or warning",
        "A value is of the wrong kind",
        """Prefect's loader takes values of certain kinds for its keys. One that does not fit makes it drop every
deployment of the file. Numbers are the usual case: `version: 1.0` is a number, `version: "1.0"` is a text.
A step's id that is a number works, and is a warning.""",
        """deployments:
- name: one
  version: 1.0
""",
        3,
        """deployments:
- name: one
  version: "1.0"
""",
    ),
    Page(
        "unnamed-deployment",
        "warning",
        "A deployment has no name",
        """Prefect asks for a name when it deploys, and fails where nobody can answer. stepengine calls it by its
number, `#1`.""",
        """deployments:
- entrypoint: flows.py:main
""",
        2,
        """deployments:
- name: main
  entrypoint: flows.py:main
""",
    ),
    Page(
        "duplicate-deployment",
        "warning",
        "Two deployments have one name",
        """On a server a deployment is known by its flow and its name: of two alike only the last remains. For two
flows both remain, but `--deployment NAME` chooses both.""",
        """deployments:
- name: daily
  entrypoint: flows.py:load
- name: daily
  entrypoint: flows.py:load
""",
        4,
        """deployments:
- name: daily
  entrypoint: flows.py:load
- name: nightly
  entrypoint: flows.py:load
""",
    ),
    Page(
        "schedule-kind",
        "error",
        "A schedule has none or several of cron, interval and rrule",
        """Each schedule has exactly one of the three, and a deployment has either `schedule` or `schedules`. Prefect
refuses everything else.""",
        """deployments:
- name: one
  schedules:
  - cron: "0 8 * * *"
    interval: 3600
""",
        4,
        """deployments:
- name: one
  schedules:
  - cron: "0 8 * * *"
  - interval: 3600
""",
    ),
    Page(
        "schedule-key",
        "error",
        "A schedule has a key that does not belong there",
        """Elsewhere Prefect ignores unknown keys; in a schedule one of them makes it drop every deployment of the
file.""",
        """deployments:
- name: one
  schedules:
  - cron: "0 8 * * *"
    max_active_runs: 1
""",
        5,
        """deployments:
- name: one
  concurrency_limit: 1
  schedules:
  - cron: "0 8 * * *"
""",
    ),
    Page(
        "schedule-cron",
        "error",
        "A cron expression cannot be read",
        """Five fields: minute, hour, day of the month, month, weekday. Names (`MON-FRI`, `JAN`), `L`, `#`, a sixth
field for seconds and the aliases (`@daily`) are understood; random (`R`) and hashed (`H`) fields are not.""",
        """deployments:
- name: one
  schedules:
  - cron: "0 25 * * *"
""",
        4,
        """deployments:
- name: one
  schedules:
  - cron: "0 5 * * *"
""",
    ),
    Page(
        "schedule-interval",
        "error",
        "An interval is no length of time",
        """A number of seconds without quotes, an ISO 8601 duration (`PT1H30M`), `HH:MM:SS`, or days (`2 days,
10:00:00`); longer than nothing.""",
        """deployments:
- name: one
  schedules:
  - interval: "1 hour"
""",
        4,
        """deployments:
- name: one
  schedules:
  - interval: PT1H
""",
    ),
    Page(
        "schedule-rrule",
        "error",
        "A recurrence rule cannot be read",
        """A rule of RFC 5545, section 3.3.10.""",
        """deployments:
- name: one
  schedules:
  - rrule: FREQ=SOMETIMES
""",
        4,
        """deployments:
- name: one
  schedules:
  - rrule: FREQ=WEEKLY;BYDAY=MO
""",
    ),
    Page(
        "unknown-timezone",
        "warning",
        "A time zone is not known here",
        """Time zones are named as in the IANA database: `Europe/Berlin`, `UTC`. It is a warning, because the server
may have a newer database than this machine.""",
        """deployments:
- name: one
  schedules:
  - cron: "0 8 * * *"
    timezone: Europe/Berln
""",
        5,
        """deployments:
- name: one
  schedules:
  - cron: "0 8 * * *"
    timezone: Europe/Berlin
""",
    ),
    Page(
        "usage",
        "error",
        "The command line asks for what the file does not have",
        """`plan --format json` tells so of a `--deployment`, a section or a step of `--set` that does not exist, and of
a file that cannot be read. It stands at the file's start where there is no better place; the text that people read
has no place then.""",
        """deployments:
- name: daily
""",
        1,
        """deployments:
- name: nightly
""",
        command="plan --format json --deployment nightly",
    ),
)
