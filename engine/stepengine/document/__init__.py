"""From a file's text to located nodes."""
