"""Rules of the kernel on which files this process may reach (landlock(7)): some to read, nothing to write.

The wall for hosts where a box cannot have a view of its own. Signals and abstract sockets stay inside, too, where the
kernel knows how (Linux 6.12). Before its third version Landlock let anybody truncate files: too little for a wall.
"""

import ctypes
import os
from collections.abc import Iterable

from kernel import prctl, system_call
from seccomp import PR_SET_NO_NEW_PRIVS

EXECUTE, READ_FILE, READ_DIRECTORY = 1, 4, 8
_FIRST_VERSION = 3
_FILE_RIGHTS_BY_VERSION = {3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of Landlock knows; they are the lowest so many bits."""

_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_VERSION_REQUEST, _PATH_BENEATH = 1, 1


class Unsupported(Exception):
    """Files cannot be ruled here; the message says why."""


def version() -> int:
    """Return the version of Landlock that this kernel speaks.

    Raises:
        Unsupported: none, or one that is too old.
    """
    try:
        spoken = system_call("landlock_create_ruleset", None, 0, _VERSION_REQUEST)
    except OSError as error:
        raise Unsupported(
            f"this kernel has no Landlock ({error.strerror}); it needs Linux 6.2 with it enabled"
        ) from None
    if spoken < _FIRST_VERSION:
        raise Unsupported(f"this kernel's Landlock is of version {spoken}; it needs Linux 6.2 with version 3")
    return spoken


def allow_only(readable: Iterable[str]) -> None:
    """Refuse this process, for ever, every file but those at or below some paths, which it may read.

    Raises:
        Unsupported: there is no Landlock, or one that is too old.
        OSError: a path cannot be opened.
    """
    spoken = version()
    rights = (1 << _FILE_RIGHTS_BY_VERSION[min(spoken, 5)]) - 1
    network = 3 if spoken >= _NETWORK_SINCE else 0
    scopes = 3 if spoken >= _SCOPES_SINCE else 0
    attributes = (ctypes.c_uint64 * 3)(rights, network, scopes)
    size = 8 * (1 + (spoken >= _NETWORK_SINCE) + (spoken >= _SCOPES_SINCE))
    rules = system_call("landlock_create_ruleset", ctypes.byref(attributes), size, 0)
    for path in readable:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        wanted = READ_FILE | EXECUTE | (READ_DIRECTORY if os.path.isdir(path) else 0)
        rule = (ctypes.c_uint32 * 3)(wanted, 0, opened)  # a packed 64-bit mask of rights, then the descriptor
        system_call("landlock_add_rule", rules, _PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(opened)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    system_call("landlock_restrict_self", rules, 0)
    os.close(rules)
