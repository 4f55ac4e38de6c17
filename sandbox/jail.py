"""Builds the walls that `policy.py` names: the view once for the warm process, the rest afresh for every box.

Order matters and is the point of this file: what needs privilege comes first, and giving privilege up comes last.
Every function raises OSError, `landlock.Unsupported` or `seccomp.Unsupported` when a wall cannot be built; nothing is
left out in silence.
"""

import os
import resource
import socket

import kernel
import landlock
import policy
import processes
import seccomp

WORKSPACE = "/box"
SCAFFOLD = "/proc"
"""Where the view is put together, out of sight of everything else: it exists everywhere and no path of a library is
below it."""

_CAPABILITIES_OF_ROOT = (6, 7, 21)  # CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN


def enter_view(shown: list[str], hidden: list[str]) -> None:
    """Leave the host's files for a root that has some paths only, read-only, and an empty workspace.

    For whom does not rule this machine, this makes a user namespace with nobody else in it.

    Args:
        shown: absolute paths of files and folders, an outer one before those in it.
        hidden: folders in those that are to look empty, but for what else is shown in them.
    """
    if _rules_users():
        kernel.unshare(kernel.NEW_MOUNTS)
    else:
        uid, gid = os.geteuid(), os.getegid()
        kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS)
        _map_user(uid, uid, gid, gid)
    os.umask(0o022)
    kernel.mount(None, "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    _mount_empty(SCAFFOLD)
    for path in shown:
        if os.path.isdir(path):
            os.makedirs(SCAFFOLD + path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(SCAFFOLD + path), exist_ok=True)
            os.close(os.open(SCAFFOLD + path, os.O_CREAT | os.O_WRONLY, 0o644))
        kernel.mount(path, SCAFFOLD + path, None, kernel.BIND | kernel.RECURSIVE)
        for inner in hidden:
            if inner.startswith(path + "/"):
                _mount_empty(SCAFFOLD + inner)
    os.makedirs(SCAFFOLD + WORKSPACE, exist_ok=True)
    kernel.restrict_mount(SCAFFOLD, kernel.READ_ONLY | kernel.NOSUID | kernel.NODEV)
    os.chdir(SCAFFOLD)
    kernel.pivot_root_here()


def files_to_read(shown: list[str], hidden: list[str]) -> list[str]:
    """Return what is shown and not hidden, each folder with something hidden taken apart into what it holds."""
    found = []
    for path in shown:
        if any(inner.startswith(path + "/") for inner in hidden):
            found += [entry.path for entry in os.scandir(path) if entry.path not in hidden]
        else:
            found.append(path)
    return found


def enter_namespaces(walls: frozenset[str], number: int) -> None:
    """Move this process into the namespaces of one box; only what it forks from here on is in all of them.

    Args:
        walls: those that stand.
        number: of the box; who rules this machine's users gives each another one.
    """
    flags = {
        "mount": kernel.NEW_MOUNTS,
        "pid": kernel.NEW_PIDS,
        "network": kernel.NEW_NETWORK,
        "ipc": kernel.NEW_IPC,
        "uts": kernel.NEW_UTS,
    }
    wanted = sum(flag for wall, flag in flags.items() if wall in walls)
    if "user" in walls:
        if _rules_users():
            _become_nobody(policy.FIRST_UID_OUTSIDE + number % policy.UIDS_OUTSIDE)
        uid, gid = os.geteuid(), os.getegid()
        kernel.unshare(kernel.NEW_USER | wanted)
        _map_user(policy.INSIDE_UID, uid, policy.INSIDE_UID, gid)
    elif wanted:
        kernel.unshare(wanted)
    if "uts" in walls:
        socket.sethostname(policy.HOST_NAME)
    if "mount" in walls:
        _mount_workspace()


def enter_cell(walls: frozenset[str]) -> None:
    """Move this process, which is in a box and may mount there, into namespaces and a workspace of one question."""
    flags = {"mount": kernel.NEW_MOUNTS, "pid": kernel.NEW_PIDS, "ipc": kernel.NEW_IPC}
    kernel.unshare(sum(flag for wall, flag in flags.items() if wall in walls))
    _mount_workspace()


def shut(walls: frozenset[str], lifted_syscalls: frozenset[str], readable: list[str]) -> None:
    """Put up the walls that this process raises around itself, the last thing before a design may come.

    Args:
        walls: those that stand.
        lifted_syscalls: groups of refused system calls that are allowed after all.
        readable: what Landlock lets it read.
    """
    if "environment" in walls:
        os.environ.clear()
    if "mount" in walls:
        os.chdir(WORKSPACE)
    if "limits" in walls:
        _set_limits(walls)
    if "landlock" in walls:
        landlock.allow_only(readable)
    if "capabilities" in walls:
        kernel.drop_capabilities()
    if "syscalls" in walls:
        seccomp.put_on(os.getpid(), lifted_syscalls)


def _mount_workspace() -> None:
    size, inodes = policy.LIMITS["workspace_bytes"], policy.LIMITS["workspace_inodes"]
    safely = kernel.NOSUID | kernel.NODEV | kernel.NOEXEC
    kernel.mount("workspace", WORKSPACE, "tmpfs", safely, f"size={size},nr_inodes={inodes},mode=700")


def _mount_empty(target: str) -> None:
    kernel.mount("view", target, "tmpfs", kernel.NOSUID | kernel.NODEV, "size=1m,nr_inodes=4096,mode=755")


def _set_limits(walls: frozenset[str]) -> None:
    """Limit this process; a hard limit of the host that is lower stays."""
    limits = policy.LIMITS
    wanted = {
        resource.RLIMIT_CORE: limits["core_bytes"],
        resource.RLIMIT_FSIZE: limits["workspace_bytes"] if "mount" in walls else 0,
        resource.RLIMIT_NOFILE: limits["descriptors"],
        resource.RLIMIT_SIGPENDING: limits["pending_signals"],
        resource.RLIMIT_MEMLOCK: limits["locked_bytes"],
        resource.RLIMIT_MSGQUEUE: limits["message_queue_bytes"],
        resource.RLIMIT_STACK: limits["stack_bytes"],
    }
    if "user" in walls:  # elsewhere the kernel counts every process of the user, the engine's among them
        wanted[resource.RLIMIT_NPROC] = limits["threads"]
    for which, value in wanted.items():
        most = resource.getrlimit(which)[1]
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(which, (least, least))


def _rules_users() -> bool:
    """Whether this is a root that may become the users of boxes.

    Not one whose capabilities were taken, nor that of a user namespace (a rootless container, say) without those users.
    """
    if os.geteuid() != 0:
        return False
    held = int(processes.fields("self")["CapEff"], 16)
    is_able = all(held >> capability & 1 for capability in _CAPABILITIES_OF_ROOT)
    return is_able and all(_has_users_of_boxes(f"self/{ids}") for ids in ("uid_map", "gid_map"))


def _has_users_of_boxes(ids: str) -> bool:
    """Whether a map of the ids of a user namespace, a file below /proc, has those that boxes run as."""
    for line in processes.read(ids).splitlines():
        first, _, count = map(int, line.split())
        if (
            first <= policy.FIRST_UID_OUTSIDE
            and first + count >= policy.FIRST_UID_OUTSIDE + policy.UIDS_OUTSIDE
        ):
            return True
    return False


def _become_nobody(uid: int) -> None:
    """Give up root for a user that owns nothing."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # or its own /proc entries would still be root's


def _map_user(uid_inside: int, uid: int, gid_inside: int, gid: int) -> None:
    """Say who this process is in the user namespace it just made."""
    for name, text in (
        ("uid_map", f"{uid_inside} {uid} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{gid_inside} {gid} 1"),
    ):
        processes.write(f"self/{name}", text)
