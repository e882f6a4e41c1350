"""The execution of a plan on this machine: steps, their contexts and their child processes."""
