"""The steps that are there: by name, with their inputs and outputs, and whether what they require is here."""
