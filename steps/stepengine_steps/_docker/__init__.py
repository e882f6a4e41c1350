"""Docker images: what the build and push steps are made of. Only `checks` is imported before such a step runs."""
