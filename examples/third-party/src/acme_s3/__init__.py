"""Uploads to S3, and secrets from a vault, for the prefect.yaml of stepengine."""
