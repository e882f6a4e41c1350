"""Run the build, push and pull steps of a prefect.yaml anywhere."""

__version__ = "0.1.0"
