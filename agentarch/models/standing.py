"""What a process has learnt of one model: whether it is up, refuses, and how it can be held to a schema."""

from __future__ import annotations

import threading

from agentarch.models.adapter import Form
from agentarch.models.breaker import Breaker

MOST_REJECTIONS = 3
"""A model that accepts no question at all, so many times in a row, is asked no more."""


class Standing:
    """One model's standing, shared by all threads.

    Args:
        breaker: says whether it is up.

    Attributes:
        trouble: the last sign that it is down; empty before there was one.
    """

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker
        self.trouble = ""
        self._lock = threading.Lock()
        self._form = Form.SCHEMA
        self._refusal = ""
        self._rejections = 0

    @property
    def form(self) -> Form:
        """The strictest form that is not known to fail."""
        return self._form

    @property
    def refusal(self) -> str:
        """Why it is asked no more; empty while it is."""
        return self._refusal

    def answered(self, form: Form | None) -> None:
        """Take in that it accepted a question, and in which form, if there was a schema.

        Only now is a weaker form remembered: a question that fails in all of them says nothing about the model.
        """
        with self._lock:
            self._rejections = 0
            if form is not None:
                self._form = form

    def refused(self, reason: str) -> None:
        """Take in that it will not answer until somebody does something."""
        with self._lock:
            self._refusal = self._refusal or reason

    def rejected(self, reason: str) -> bool:
        """Take in that it did not accept a question in any form; return whether that makes it refused."""
        with self._lock:
            self._rejections += 1
            if self._rejections >= MOST_REJECTIONS:
                self._refusal = self._refusal or reason
            return bool(self._refusal)
