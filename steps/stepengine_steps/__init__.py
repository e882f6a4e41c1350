"""The built-in steps, registered by entry points as a third party's are.

PYTEST_DONT_REWRITE: pytest would warn where a plugin's package is imported before it, as a program's may be.
"""
