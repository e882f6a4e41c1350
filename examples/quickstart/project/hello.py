"""What the worker would run; it needs the package `greeter` of requirements.txt."""

import sys

from greeter import greet


def main(greeting="Hello", version="unknown"):
    print(greet(greeting, version))


if __name__ == "__main__":
    main(*sys.argv[1:])
