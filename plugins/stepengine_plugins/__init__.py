"""The built-in hook plugins: reporters, and the sources of blocks and variables.

PYTEST_DONT_REWRITE: pytest would warn where a plugin's package is imported before it, as a program's may be.
"""
