"""The catalogue of diagnostics: what `docs/diagnostics` is made from, and what its examples are tested by.

Nothing imports it when the command runs.
"""

from __future__ import annotations

from stepengine.diagnostics.pages import deployments, document, references, steps
from stepengine.diagnostics.pages.page import Page

__all__ = ["PAGES", "Page"]

PAGES: dict[str, Page] = {page.code: page for part in (document, steps, references, deployments) for page in part.PAGES}
"""By code, in the order in which a file is read."""
