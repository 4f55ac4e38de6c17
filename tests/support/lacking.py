"""Runs a command on a machine that lacks something: the kernel refuses it to that command and all it starts.

Usage: python lacking.py THINGS COMMAND [ARGUMENT ...], with THINGS of namespaces,landlock,seccomp,users,
user_namespaces,sight,space; the last two need root.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "sandbox"))

import kernel
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


def _no_users() -> None:
    """Be the root of a user namespace without any other user, as in a container that needed no root."""
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _no_user_namespaces() -> None:
    """Set the limit on user namespaces to none."""
    _no_users()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def _own_mounts() -> None:
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount(None, "/", None, kernel.PRIVATE | kernel.RECURSIVE)


def _no_sight() -> None:
    """Mount /proc so that nobody sees others' processes."""
    _own_mounts()
    kernel.mount("proc", "/proc", "proc", 0, "hidepid=2")


def _no_space() -> None:
    """Let the temporary directory be full."""
    _own_mounts()
    kernel.mount("full", "/mnt", "tmpfs", 0, "size=4k,nr_inodes=2")
    Path("/mnt/all").write_bytes(bytes(4096))
    os.environ["TMPDIR"] = "/mnt"


PREPARATIONS = {
    "users": _no_users,
    "user_namespaces": _no_user_namespaces,
    "sight": _no_sight,
    "space": _no_space,
}


def main() -> None:
    """Take the things away, and become the command."""
    things = sys.argv[1].split(",")
    for thing in things:
        if thing in PREPARATIONS:
            PREPARATIONS[thing]()
    if REFUSALS.keys() & things:
        _refuse_all([thing for thing in things if thing in REFUSALS])
    os.execvp(sys.argv[2], sys.argv[2:])


def _refuse_all(things: list[str]) -> None:
    program = [(seccomp.LOAD, 0, 0, seccomp.NUMBER)]
    for thing in things:
        program += REFUSALS[thing]
    program.append((seccomp.RETURN, 0, 0, seccomp.ALLOW))
    code = b"".join(struct.pack("=HBBI", *one) for one in program)
    filters = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(filters))
    pointer = ctypes.create_string_buffer(header, len(header))
    prctl(seccomp.PR_SET_NO_NEW_PRIVS, 1)
    prctl(seccomp.PR_SET_SECCOMP, seccomp.SECCOMP_MODE_FILTER, ctypes.addressof(pointer))


if __name__ == "__main__":
    main()
