"""Turns the policy's list of system calls into a seccomp filter, and puts it on.

The filter is a small program that the kernel runs before every system call of the process and of all it may
start (seccomp(2), BPF). What the policy does not allow is refused; a call by another architecture's numbers kills.
"""

import ctypes
import struct
from collections.abc import Iterable
from functools import cache

import policy
from kernel import SYSCALLS, machine, prctl

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN, AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]
INSTRUCTION_BYTES = 8


class Unsupported(Exception):
    """System calls cannot be filtered here; the message says why."""


def put_on(own_pid: int, lifted: Iterable[str] = ()) -> None:
    """Put the policy's filter on this process, for ever.

    Args:
        own_pid: the only process that signals may be sent to, as this process sees itself.
        lifted: groups of `policy.REFUSED_SYSCALLS` that are allowed after all.

    Raises:
        Unsupported: the kernel does not take it.
    """
    _install(_code(own_pid, frozenset(lifted)))


@cache
def _code(own_pid: int, lifted: frozenset[str]) -> bytes:
    """Return the filter as the kernel reads it; kept, for a process forks many that put on the same."""
    return packed(_program(own_pid, lifted))


def packed(program: list[Instruction]) -> bytes:
    """Return a program as the kernel reads it."""
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def install(program: list[Instruction]) -> None:
    """Put a filter on this process, for ever.

    Raises:
        Unsupported: the kernel does not take it.
    """
    _install(packed(program))


def prepare(own_pid: int, lifted: Iterable[str] = ()) -> None:
    """Make the filter that processes forked from here will put on."""
    _code(own_pid, frozenset(lifted))


def _install(code: bytes) -> None:
    filters = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(code) // INSTRUCTION_BYTES, ctypes.addressof(filters))
    pointer = ctypes.create_string_buffer(header, len(header))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    try:
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(pointer))
    except OSError as error:
        raise Unsupported(
            f"this kernel takes no seccomp filter ({error.strerror}); it needs CONFIG_SECCOMP_FILTER"
        ) from None


def _program(own_pid: int, lifted: frozenset[str]) -> list[Instruction]:
    architecture = AUDIT_ARCHITECTURE.get(machine())
    if architecture is None:
        raise Unsupported(f"there is no table of system calls for {machine()}, only for x86_64 and aarch64")
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, KILL),
    ]
    allowed = [name for names in policy.ALLOWED_SYSCALLS.values() for name in names.split()]
    for group in lifted & policy.REFUSED_SYSCALLS.keys():
        allowed += policy.REFUSED_SYSCALLS[group].split()
    for name in allowed:
        program += _when(name, [(RETURN, 0, 0, ALLOW)])
    for name in policy.MISSING_SYSCALLS.split():
        program += _when(name, [(RETURN, 0, 0, REFUSE | ENOSYS)])
    program += _when("clone", _clone(lifted))
    program += _when("futex", _futexes(lifted))
    program += _when("mmap", _maps(lifted))
    program += _when("ioctl", _argument_is_one_of(1, policy.TERMINAL_REQUESTS))
    program += _when("fcntl", _argument_is_one_of(1, policy.FILE_REQUESTS))
    program += _when("prctl", _argument_is_one_of(0, policy.PRCTL_REQUESTS))
    program += _when("getsockopt", _argument_is_one_of(2, policy.SOCKET_OPTIONS))
    program += _when("close_range", _argument_is_one_of(2, policy.CLOSE_RANGE_FLAGS))
    program += _when("socketpair", _argument_is_one_of(0, (policy.AF_UNIX,)))
    program += _when("prlimit64", _reads_its_own_limits())
    for name, signal in (("kill", 1), ("tgkill", 2)):
        program += _when(name, _signals(own_pid, signal, lifted))
    return [*program, (RETURN, 0, 0, REFUSE | EPERM)]


def _when(name: str, then: list[Instruction]) -> list[Instruction]:
    """Run `then`, which always returns, when the call is `name`; go on after it otherwise."""
    return [(EQUAL, 0, len(then), SYSCALLS[name]), *then] if name in SYSCALLS else []


def _argument(index: int) -> Instruction:
    """Load the low half of an argument."""
    return (LOAD, 0, 0, FIRST_ARGUMENT + 8 * index)


def _argument_is_one_of(index: int, values: tuple[int, ...]) -> list[Instruction]:
    """Allow the call when an argument's low half, all that such a call looks at, is one of some values."""
    checks: list[Instruction] = [_argument(index)]
    for value in values:
        checks += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return [*checks, (RETURN, 0, 0, REFUSE | EPERM)]


def _clone(lifted: frozenset[str]) -> list[Instruction]:
    """Allow threads; allow new processes, and new namespaces, only where those groups are lifted."""
    checks: list[Instruction] = [_argument(0)]
    if "namespaces" not in lifted:
        checks += [(ANY_BIT, 0, 1, policy.CLONE_NEW_FLAGS), (RETURN, 0, 0, REFUSE | EPERM)]
    if not lifted & {"processes", "namespaces"}:
        checks += [
            (AND, 0, 0, policy.CLONE_THREAD_FLAGS),
            (EQUAL, 1, 0, policy.CLONE_THREAD_FLAGS),
            (RETURN, 0, 0, REFUSE | EPERM),
        ]
    return [*checks, (RETURN, 0, 0, ALLOW)]


def _maps(lifted: frozenset[str]) -> list[Instruction]:
    """Allow memory, but with no set of flags that hides it."""
    checks: list[Instruction] = []
    for flags in policy.UNSEEN_MEMORY_FLAGS if "shared_memory" not in lifted else ():
        checks += [_argument(3), (AND, 0, 0, flags), (EQUAL, 0, 1, flags), (RETURN, 0, 0, REFUSE | EPERM)]
    return [*checks, (RETURN, 0, 0, ALLOW)]


def _futexes(lifted: frozenset[str]) -> list[Instruction]:
    """Allow those of this process; of those that a page of a library could carry to another box, only to wait."""
    if "neighbours" in lifted:
        return [(RETURN, 0, 0, ALLOW)]
    own = [_argument(1), (ANY_BIT, 0, 1, policy.FUTEX_PRIVATE), (RETURN, 0, 0, ALLOW), (AND, 0, 0, 0x7F)]
    checks: list[Instruction] = []
    for request in policy.SHARED_FUTEX_REQUESTS:
        checks += [(EQUAL, 0, 1, request), (RETURN, 0, 0, ALLOW)]
    return [*own, *checks, (RETURN, 0, 0, REFUSE | EPERM)]


def _signals(own_pid: int, signal: int, lifted: frozenset[str]) -> list[Instruction]:
    """Allow signals to this process, but for those that kill or stop it whatever it does; `signal` is an argument."""
    if "signals" in lifted:
        return [(RETURN, 0, 0, ALLOW)]
    checks = [_argument(signal)]
    for one in policy.KILLING_SIGNALS:
        checks += [(EQUAL, 0, 1, one), (RETURN, 0, 0, REFUSE | EPERM)]
    return [*checks, *_argument_is_one_of(0, (own_pid,))]


def _reads_its_own_limits() -> list[Instruction]:
    """Allow `prlimit64` on this process without a new value: both halves of that pointer are zero."""
    refuse: Instruction = (RETURN, 0, 0, REFUSE | EPERM)
    new_value = FIRST_ARGUMENT + 8 * 2
    return [
        _argument(0),
        (EQUAL, 1, 0, 0),
        refuse,
        (LOAD, 0, 0, new_value),
        (EQUAL, 1, 0, 0),
        refuse,
        (LOAD, 0, 0, new_value + 4),
        (EQUAL, 1, 0, 0),
        refuse,
        (RETURN, 0, 0, ALLOW),
    ]
