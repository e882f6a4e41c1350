"""The rehearsal of pull steps where a worker would run them: in the image, or in a child process."""
