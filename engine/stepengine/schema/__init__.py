"""The JSON Schema of a prefect.yaml, made from the known steps, and documents checked by it."""
