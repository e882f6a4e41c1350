"""What the keys of a prefect.yaml mean, in words for editors; the keys themselves are those of validation's tables."""

from __future__ import annotations

TOP_LEVEL = {
    "name": "The project's name.",
    "prefect-version": "The version of Prefect that the project is for. `dockerfile: auto` starts from its image.",
    "build": "Steps that make something, most often an image. They run where the deployment is made.",
    "push": "Steps that bring it to where workers find it. They run where the deployment is made.",
    "pull": "Steps that a worker runs before it starts a flow.",
    "deployments": "The deployments; those with the same steps share one run of them.",
    "definitions": "Anything; a place for YAML anchors.",
}

DEPLOYMENT = {
    "name": "The deployment's name.",
    "version": "The deployment's version.",
    "version_type": "What kind of version it is.",
    "tags": "Tags; a list.",
    "description": "A description, as Markdown.",
    "schedule": "One schedule, with one of `cron`, `interval` and `rrule`; several go below `schedules`.",
    "schedules": "Schedules, each with one of `cron`, `interval` and `rrule`.",
    "paused": "Whether its schedules are paused.",
    "concurrency_limit": "How many of its runs may run at once; a number, or `limit` and what becomes of the others.",
    "flow_name": "The flow's name, where there is no entrypoint.",
    "entrypoint": "Where the flow is, as `path/to/file.py:function`.",
    "parameters": "The parameters of its runs.",
    "enforce_parameter_schema": "Whether parameters that do not fit the flow's signature are refused.",
    "work_pool": "Where its runs run.",
    "triggers": "What starts its runs besides schedules: automations' triggers.",
    "sla": "Service level agreements.",
    "build": "Build steps of its own, instead of the file's. `[]` means none.",
    "push": "Push steps of its own, instead of the file's. `[]` means none.",
    "pull": "Pull steps of its own, instead of the file's. `[]` means none.",
}

WORK_POOL = {
    "name": "The work pool's name.",
    "work_queue_name": "The work queue's name.",
    "job_variables": "Values for the work pool's job template, such as `image`.",
}

CONCURRENCY_LIMIT = {
    "limit": "How many runs may run at once.",
    "collision_strategy": "What becomes of a run beyond the limit: `ENQUEUE` or `CANCEL_NEW`.",
    "grace_period_seconds": "How long a run may take to start before its place is given away, in seconds.",
}

SCHEDULE = {
    "cron": 'Five fields: minute, hour, day, month, weekday; for example `"0 8 * * 1-5"`.',
    "interval": "Seconds, an ISO 8601 duration (`PT1H`), or `HH:MM:SS`.",
    "rrule": "A rule of RFC 5545; for example `FREQ=DAILY;INTERVAL=1`.",
    "timezone": "An IANA name; for example `Europe/Berlin`.",
    "anchor_date": "From when on `interval` is counted.",
    "active": "Whether it starts runs.",
    "parameters": "Parameters of the runs that it starts, besides the deployment's.",
    "slug": "A name that stays when the schedule changes.",
    "replaces": "The slug of the schedule that it takes the place of.",
    "day_or": "Whether a day that fits the cron's day or its weekday is enough; else it must fit both.",
}

RESERVED = {
    "id": "A name by which later steps refer to the outputs: `{{ id.output }}`.",
    "requires": "What the step needs, as pip takes it: a requirement, or a list of them.",
}
