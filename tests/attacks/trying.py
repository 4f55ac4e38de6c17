"""Designs that try things one after the other, say of each whether it was held, and are sound networks otherwise."""

import platform
import sys
from pathlib import Path
from textwrap import dedent

from support.designs import network

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "sandbox"))

from syscalls import NUMBERS

NUMBER = NUMBERS[platform.machine()]

_TOOLS = f"""
os, ctypes, socket, mmap = (import_(name) for name in ("os", "ctypes", "socket", "mmap"))
NUMBER = {NUMBER!r}

def attempt(what, action):
    try:
        got = action()
    except BaseException as error:
        print("held:", what, type(error).__name__, error, flush=True)
    else:
        print("BREACH:", what, repr(got)[:80], flush=True)

def call(name, *arguments):
    '''Make a system call; raises OSError when it is refused.'''
    libc = ctypes.CDLL(None, use_errno=True)
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(NUMBER[name] if isinstance(name, str) else name), *given)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def reaches(name, *arguments):
    '''Make a system call with nonsense; raises unless the kernel looked at it.'''
    try:
        return call(name, *arguments)
    except OSError as error:
        if error.errno == 1:
            raise
        return error
"""


def trying(*actions: str, top: str = "", build: str = "") -> str:
    """Return the source of a design.

    Args:
        actions: expressions, tried one after the other in `build`; `os`, `ctypes`, `socket`, `mmap`, `call` and
            `reaches` are there.
        top: further lines at top level.
        build: further lines in `build`, before the actions.
    """
    lines = [f"attempt({action!r}, lambda: {action})" for action in actions]
    return network(top=_TOOLS + dedent(top), build="\n".join([dedent(build).strip("\n"), *lines]))
