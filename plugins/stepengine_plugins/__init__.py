"""The built-in hook plugins: reporters, and the sources of blocks and variables."""
