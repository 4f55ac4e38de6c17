"""Runs a command on a machine that lacks something: the kernel refuses it to that command and all it starts.

Usage: python lacking.py THINGS COMMAND [ARGUMENT ...], with THINGS of namespaces,landlock,seccomp.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "sandbox"))

import seccomp
from kernel import SYSCALLS, prctl

EINVAL = 22


def command(things: str, *arguments: str) -> list[str]:
    """Return a command line that runs another one without some things."""
    return [sys.executable, __file__, things, *arguments]


def _refuse(name: str, code: int) -> list[tuple[int, int, int, int]]:
    return [(seccomp.EQUAL, 0, 1, SYSCALLS[name]), (seccomp.RETURN, 0, 0, seccomp.REFUSE | code)]


REFUSALS = {
    "namespaces": _refuse("unshare", seccomp.EPERM),
    "landlock": _refuse("landlock_create_ruleset", seccomp.ENOSYS),
    "seccomp": [
        (seccomp.EQUAL, 0, 4, SYSCALLS["prctl"]),
        (seccomp.LOAD, 0, 0, seccomp.FIRST_ARGUMENT),
        (seccomp.EQUAL, 0, 1, seccomp.PR_SET_SECCOMP),
        (seccomp.RETURN, 0, 0, seccomp.REFUSE | EINVAL),
        (seccomp.LOAD, 0, 0, seccomp.NUMBER),
    ],
}


def main() -> None:
    """Refuse the things, and become the command."""
    program = [(seccomp.LOAD, 0, 0, seccomp.NUMBER)]
    for thing in sys.argv[1].split(","):
        program += REFUSALS[thing]
    program.append((seccomp.RETURN, 0, 0, seccomp.ALLOW))
    code = b"".join(struct.pack("=HBBI", *one) for one in program)
    filters = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(filters))
    pointer = ctypes.create_string_buffer(header, len(header))
    prctl(seccomp.PR_SET_NO_NEW_PRIVS, 1)
    prctl(seccomp.PR_SET_SECCOMP, seccomp.SECCOMP_MODE_FILTER, ctypes.addressof(pointer))
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
