"""The parts of the `git_clone` step."""
