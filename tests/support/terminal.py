"""The command line at a terminal: a pseudo-terminal of some width, and a person who types answers."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path

from support.commands import Said, command

_CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\r|\x07")
_PROMPT = re.compile(rb"(\([a-z]\)|why|to the models\)): ?$")
_CONTROLS = ("\x03", "\x04")
MOST_SECONDS = 60.0


def converse(
    *arguments: object, answers: list[str], folder: Path, columns: int = 80, **environment: str
) -> Said:
    """Run a command at a terminal and type an answer at each question; a control character is typed without a return.

    A control character is typed again, as a person would, as long as nothing happens: one that comes between a
    question and the reading of its answer is not heard. Both streams are in `out`, without colours.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        line = command(*arguments)
        os.execvpe(line[0], line, os.environ | {"TERM": "xterm", "COLUMNS": str(columns)} | environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    shown, unread, left, pressed = b"", b"", list(answers), b""
    end = time.monotonic() + MOST_SECONDS
    while True:
        assert time.monotonic() < end, f"no end after {MOST_SECONDS:g} s: {shown[-2000:].decode()}"
        if not select.select([terminal], [], [], 1.0)[0]:
            os.write(terminal, pressed)
            continue
        try:
            new = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end
            break
        if not new:
            break
        shown, unread = shown + new, unread + new
        if left and _PROMPT.search(_CONTROL.sub(b"", unread)):
            answer, unread = left.pop(0), b""
            pressed = answer.encode() if answer in _CONTROLS else b""
            os.write(terminal, pressed or f"{answer}\n".encode())
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert not left, f"never asked for {left}: {shown[-2000:].decode()}"
    return Said(os.waitstatus_to_exitcode(status), _CONTROL.sub(b"", shown).decode("utf-8", "replace"), "")
