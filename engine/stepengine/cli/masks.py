"""The secrets of this process, for what is shown outside of a run."""

from __future__ import annotations

import os

from stepengine.secrecy.secrets import Secrets

_secrets: Secrets | None = None


def process_secrets() -> Secrets:
    """Give the secrets of this process: the environment's from the start, a run's as they turn up."""
    global _secrets  # noqa: PLW0603 - one process, one command, one set of secrets
    if _secrets is None:
        _secrets = Secrets()
        _secrets.add_environment(os.environ)
    return _secrets


def mask(text: str) -> str:
    """Give a text without the secrets known so far."""
    return process_secrets().mask(text)
