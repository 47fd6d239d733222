"""What the tools share that run programs which are no packages: they are imported from checkouts."""

import os
import pathlib
import subprocess
import sys
from unittest import mock


def add_checkout(variable: str, folder: str, *unused: str) -> str:
    """Makes the checkout that the variable names importable, and returns its commit.

    `unused` are packages that it imports at its top for files and figures, which nothing here asks for.
    """
    checkout = pathlib.Path(os.environ[variable])
    sys.path.insert(0, str(checkout / folder))
    for name in unused:
        sys.modules[name] = mock.MagicMock()
    found = subprocess.run(["git", "-C", checkout, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or "of unknown commit"
