"""What is to run, and what is known of it before anything has."""
