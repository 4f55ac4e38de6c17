"""Runs a command on a machine that lacks something: the kernel refuses it to that command and all it starts.

Usage: python lacking.py THINGS COMMAND [ARGUMENT ...], with THINGS of namespaces,landlock,seccomp,users,
user_namespaces,sight,space; the last two need root.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "sandbox"))

import kernel
import seccomp
from kernel import SYSCALLS

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
        if thing not in REFUSALS:
            PREPARATIONS[thing]()
    if refused := [thing for thing in things if thing in REFUSALS]:
        checks = [one for thing in refused for one in REFUSALS[thing]]
        seccomp.install(
            [(seccomp.LOAD, 0, 0, seccomp.NUMBER), *checks, (seccomp.RETURN, 0, 0, seccomp.ALLOW)]
        )
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
