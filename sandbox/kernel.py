"""The few calls to the kernel that Python 3.11 has no name for. Every one raises OSError when it is refused."""

import ctypes
import errno
import os
import platform

from syscalls import NUMBERS

NEW_MOUNTS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
NOSUID, NODEV, NOEXEC, READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 1, 32, 4096, 16384, 1 << 18
DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 15, 24, 36
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_COLLAPSE = 25
_CAPABILITY_VERSION = 0x20080522
_ATTRIBUTES = {READ_ONLY: 1, NOSUID: 2, NODEV: 4, NOEXEC: 8}

_libc = ctypes.CDLL(None, use_errno=True)


def machine() -> str:
    """Return the processor's architecture, e.g. `x86_64`."""
    return platform.machine()


SYSCALLS: dict[str, int] = NUMBERS.get(machine(), {})
"""Numbers of system calls on this processor, by name."""


def system_call(name: str, *arguments: object) -> int:
    """Make a system call by its name.

    Raises:
        OSError: it was refused, or this kernel does not have it.
    """
    if name not in SYSCALLS:
        raise OSError(errno.ENOSYS, f"no number of {name} is known for {machine()}")
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = _libc.syscall(ctypes.c_long(SYSCALLS[name]), *given)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return int(result)


def unshare(flags: int) -> None:
    """Move this process into new namespaces; that of process ids holds its children only."""
    system_call("unshare", flags)


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount a file system (mount(2))."""
    texts = (None if one is None else os.fsencode(one) for one in (source, target, kind))
    try:
        system_call("mount", *texts, flags, options.encode() or None)
    except OSError as error:
        raise OSError(error.errno, f"mount on {target}: {os.strerror(error.errno)}") from None


def restrict_mount(target: str, flags: int) -> None:
    """Make a mount and all below it read-only, nosuid, nodev or noexec, whatever else it is (Linux 5.12)."""
    attributes = sum(value for flag, value in _ATTRIBUTES.items() if flags & flag)
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    system_call("mount_setattr", _AT_FDCWD, target.encode(), _AT_RECURSIVE, ctypes.byref(wanted), 32)


def pivot_root_here() -> None:
    """Make the current directory the root, and let go of the old root (pivot_root(2), its last example)."""
    system_call("pivot_root", b".", b".")
    system_call("umount2", b".", DETACH)
    os.chdir("/")


def collapse(address: int, size: int) -> None:
    """Put memory of this process on huge pages as far as it fills them (madvise(2), MADV_COLLAPSE)."""
    system_call("madvise", address, size, _COLLAPSE)


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set something about this process (prctl(2))."""
    if _libc.prctl(option, *(ctypes.c_ulong(one) for one in (first, second, 0, 0))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def name_process(name: str) -> None:
    """Say in the list of processes what this one is, in at most 15 characters."""
    text = ctypes.create_string_buffer(name.encode(), 16)
    prctl(PR_SET_NAME, ctypes.addressof(text))


_bounding_set_is_empty = False


def empty_bounding_set() -> None:
    """Give up the means to get a capability back, for this process and all it forks; what it holds it keeps."""
    global _bounding_set_is_empty
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == errno.EPERM:  # we have no say over the bounding set, and nothing to bound
                break
            if error.errno == errno.EINVAL:  # past the last one
                break
            raise
    _bounding_set_is_empty = True


def drop_capabilities() -> None:
    """Give up every capability, and the means to get one back."""
    if not _bounding_set_is_empty:
        empty_bounding_set()
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    system_call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
