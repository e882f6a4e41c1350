"""Run the build, push and pull steps of a prefect.yaml anywhere.

PYTEST_DONT_REWRITE: pytest would warn where a plugin's package is imported before it, as a program's may be.
"""

__version__ = "0.1.0"
