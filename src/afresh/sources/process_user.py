"""Who we are to the operating system: sources without accounts are read as the user of our process."""

import os
from getpass import getuser


def process_user() -> str:
    """The user's name; its number where it has none, as in a container that was given one."""
    try:
        return getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
