"""A package of one function, to have something to install."""


def greet(greeting, version):
    return f"{greeting} from version {version}!"
