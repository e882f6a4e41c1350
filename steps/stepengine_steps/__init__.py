"""The built-in steps, registered by entry points as a third party's are."""
