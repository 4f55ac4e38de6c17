"""Runs a command as an ordinary user of this machine, also where Python or the checkout lie in a closed home of root's.

Usage: python ordinary.py COMMAND [ARGUMENT ...]
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
UID, HOME = 61_234, "/mnt"
NEEDED = {Path(sys.base_prefix), Path(sys.prefix), ROOT}


def command(*arguments: str) -> list[str]:
    """Return a command line that runs another one as an ordinary user; the same one when we are such a user."""
    return [sys.executable, __file__, *arguments] if os.geteuid() == 0 else list(arguments)


def _open_the_way() -> None:
    """In a mount namespace of our own, make what is needed reachable through folders that are closed, and a home."""
    sys.path.insert(0, str(ROOT / "sandbox"))
    import kernel

    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount(None, "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    opened = {path: os.open(path, os.O_PATH) for path in sorted(NEEDED)}
    for path, descriptor in opened.items():
        for above in reversed(path.parents):
            if above.exists() and not above.stat().st_mode & 1:
                kernel.mount("way", str(above), "tmpfs", 0, "mode=755")
        path.mkdir(parents=True, exist_ok=True)
        if not os.path.samestat(path.stat(), os.fstat(descriptor)):
            kernel.mount(f"/proc/self/fd/{descriptor}", str(path), None, kernel.BIND | kernel.RECURSIVE)
    kernel.mount("home", HOME, "tmpfs", 0, f"mode=700,uid={UID},gid={UID}")  # gone with this namespace


def main() -> None:
    """Give up root, and become the command."""
    _open_the_way()
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.environ.update(HOME=HOME, USER="ordinary", TMPDIR=HOME, PYTHONDONTWRITEBYTECODE="1")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
