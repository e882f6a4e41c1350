"""What is secret, in all its forms, and how it is kept out of what is shown."""
