"""Where stored files come from, and how they become a directory."""
