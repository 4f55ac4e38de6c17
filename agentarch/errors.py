"""Errors a user can act on. Each message says what was expected, what came, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable

MOST_NAMES = 12


class AgentarchError(Exception):
    """Something failed that the user can do something about."""

    exit_code = 1


class UsageError(AgentarchError):
    """A flag, a name, a file or a configuration value is wrong; nothing was started."""

    exit_code = 2


def unknown_name(what: str, name: str, known: Iterable[str], never_meant: Container[str] = ()) -> UsageError:
    """Return the error for a name that does not exist, with the nearest one that does.

    Args:
        what: what kind of thing was named, e.g. `"task"`.
        name: what was given.
        known: every valid name.
        never_meant: those that nobody should take because they look like what was given.
    """
    names = sorted(known)
    suggested = [one for one in names if one not in never_meant]
    nearest = difflib.get_close_matches(name, suggested, n=1, cutoff=0.6)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    listed = f" Known: {', '.join(names[:MOST_NAMES])}{more}." if names else " None exist yet."
    return UsageError(f"unknown {what} {name!r}{hint}{listed}")
