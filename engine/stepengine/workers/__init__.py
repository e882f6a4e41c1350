"""Processes that run steps for the engine: what is said to them, and what they do."""
