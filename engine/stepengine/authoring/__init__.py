"""The beginnings of a distribution that adds a step and a source of values: `stepengine plugin new`."""
