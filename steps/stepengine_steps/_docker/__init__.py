"""Docker images: what the build and push steps are made of. Imported when such a step runs, not before."""
