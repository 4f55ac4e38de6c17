"""The conversation with the box of a survey, whose faults are nobody's: what was answered until then is kept.

Strict all the same in what it takes: replies in the dictated shape, and finite numbers under plain names.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from agentarch.evaluation import Cost
from agentarch.execution.contract import Limits, Question, Reply, Survey, Surveyed
from agentarch.execution.wire import (
    ChannelClosed,
    ProtocolViolation,
    receive_floats,
    receive_header,
    send,
)
from agentarch.text import one_line

MAX_MEASURES, MAX_NAME_CHARACTERS = 16, 64
SHARE, LEAST_SECONDS = 0.25, 3.0
"""A survey's wall time is this share of what the other boxes took, or this much, whichever is more."""


def survey_seconds(limits: Limits, spent: Cost) -> float:
    """Return how long a survey may take, within what is left of a job's wall time; may be negative."""
    return min(limits.wall_seconds - spent.wall_seconds, max(LEAST_SECONDS, SHARE * spent.wall_seconds))


class Surveying:
    """A survey under way.

    Args:
        survey: what is asked.
        header: of the message that hands the job in.
        learnt: what the design has learnt.
    """

    def __init__(self, survey: Survey, header: Mapping[str, Any], learnt: bytes) -> None:
        self._survey, self._header, self._learnt = survey, header, learnt
        self._replies: list[Reply | None] = []
        self._claims: dict[str, float] = {}

    def surveyed(self) -> Surveyed:
        """Return what came of it."""
        unanswered = [None] * (len(self._survey.questions) - len(self._replies))
        return Surveyed((*self._replies, *unanswered), self._claims)

    def talk(self, channel: socket.socket) -> None:
        """Hand in what was learnt, ask every question, have untrained copies examined, and close the channel."""
        try:
            with contextlib.suppress(ChannelClosed, ProtocolViolation, TimeoutError):
                send(channel, self._header, {"learnt": np.frombuffer(self._learnt, np.uint8)})
                for question in self._survey.questions:
                    self._replies.append(_answer(question, channel))
                if self._survey.arrays:
                    send(channel, {"type": "examine"}, self._survey.arrays)
                    self._claims.update(_measures(receive_header(channel)))
                send(channel, {"type": "end"}, {})
        finally:
            channel.close()


def _answer(question: Question, channel: socket.socket) -> Reply | None:
    """Ask one question and return the answer, None when the design has none.

    Raises:
        ProtocolViolation: something else came.
        ChannelClosed: the box is gone.
        TimeoutError: nothing came in time.
    """
    started = time.monotonic()
    send(channel, {"type": "predict"}, {"inputs": question.inputs})
    message = receive_header(channel)
    seconds = time.monotonic() - started
    match message.get("type"):
        case "predicted":
            return Reply(receive_floats(channel, question.reply_shape), seconds)
        case "skipped":
            return None
    raise ProtocolViolation("neither an answer nor a refusal")


def _measures(message: Mapping[str, Any]) -> dict[str, float]:
    """Return what an `examined` message claims.

    Raises:
        ProtocolViolation: it is none, or claims something other than finite numbers under plain names.
    """
    match message:
        case {"type": "examined", "measures": dict(measures)} if (
            len(measures) <= MAX_MEASURES
            and all(name == one_line(name, MAX_NAME_CHARACTERS) for name in measures)
            and all(isinstance(value, float) for value in measures.values())
        ):
            return measures
    raise ProtocolViolation("measures that are not finite numbers")
