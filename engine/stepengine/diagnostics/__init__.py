"""What is wrong with a file: where, what to do, and a page for each code."""
