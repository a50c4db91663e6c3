"""The way in for `make run` and `make setup`, on whatever Python the machine calls python3.

It checks that Python's version in words an old Python can still read, and only then loads the rest.
"""

import sys

NEEDED = (3, 11)


def version_problem(major: int, minor: int) -> str:
    """One sentence about a Python that is too old, empty for one that will do."""
    if (major, minor) >= NEEDED:
        return ""
    return (
        f"Parley needs Python {NEEDED[0]}.{NEEDED[1]} or newer and this is Python {major}.{minor}: "
        f"install a newer one and name it, like `make run PYTHON=python3.13`."
    )


def main() -> int:
    problem = version_problem(sys.version_info[0], sys.version_info[1])
    if problem:
        sys.stderr.write(problem + "\n")
        return 1
    from deploy.start import main as start  # noqa: PLC0415 -- an old Python could not even read it

    return start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
