"""Usage that is not whole is told by nobody, and a model that uses more than it may is expected to do so again."""

import pytest

from agentarch.models import Usage
from agentarch.models.anthropic_adapter import _take_event
from agentarch.models.openai_adapter import usage_of
from agentarch.models.wire import Draft
from agentarch.search.ledger import Ledger
from agentarch.store import Event


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"prompt_tokens": None, "completion_tokens": 3},
        {"prompt_tokens": "9", "completion_tokens": 3},
        {"total_tokens": 5},
    ],
)
def test_a_completion_that_lacks_a_number_has_no_usage(told):
    assert usage_of(told) is None


def test_a_completion_that_tells_both_numbers_has_them():
    assert usage_of({"prompt_tokens": 9.0, "completion_tokens": 3}) == Usage(9, 3)


def test_the_number_that_a_stream_begins_with_is_not_what_was_written():
    draft = Draft()
    _take_event(draft, {"message": {"usage": {"input_tokens": 1000, "output_tokens": 1}}})
    _take_event(draft, {"delta": {"text": "x" * 5000, "stop_reason": "end_turn"}})
    assert draft.answer().usage is None
    _take_event(draft, {"usage": {"output_tokens": 1250}})
    assert draft.answer().usage == Usage(1000, 1250)


def test_a_request_that_used_more_than_was_reserved_is_remembered_by_its_model():
    ledger = Ledger()
    asked = {
        "model": "m",
        "role": "propose",
        "proposal": "p1",
        "attempt": 1,
        "sample": 0,
        "most_dollars": 1.0,
    }
    asked |= {"most_input_tokens": 100, "most_output_tokens": 10, "most_tokens": 110}
    answered = {
        "number": 1,
        "outcome": "answered",
        "input_tokens": 90,
        "output_tokens": 35,
        "cached_tokens": 0,
    }
    answered |= {"dollars": 0.1, "latency_seconds": 0.0, "transcript": None}
    ledger.apply(Event(1, 0.0, "asked", asked))
    ledger.apply(Event(2, 0.0, "answered", answered))
    assert ledger.exceeded == {"m": 3.5}
    ledger.apply(Event(3, 0.0, "answered", answered))  # a second settlement changes nothing
    assert ledger.total.output_tokens == 35
