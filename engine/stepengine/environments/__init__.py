"""Isolated environments: what steps require, where this machine's own packages do not meet it."""
