"""Near a ceiling a question is booked by what the provider counts, and no longer by its bytes."""

import pytest
from support.model_server import ModelServer
from support.models import NATIVE, RecordingBooks, asking, question

from agentarch.models import BudgetSpent


class TightBooks(RecordingBooks):
    """A ledger with room for so many input tokens a request."""

    def __init__(self, most_input_tokens: int) -> None:
        super().__init__()
        self.most_input_tokens = most_input_tokens

    def open(self, intent):
        if intent.most_input_tokens > self.most_input_tokens:
            raise BudgetSpent("no room", "tokens")
        return super().open(intent)


@pytest.mark.parametrize("model", NATIVE)
def test_a_question_whose_bytes_have_no_room_is_booked_by_the_providers_count(model, tmp_path):
    books, prompt = TightBooks(8_000), "word " * 4_000  # 20,000 bytes, about 5,000 tokens
    with (
        ModelServer(counts_tokens=True) as server,
        asking(tmp_path, model, server=server, books=books, counts_tokens=True) as asker,
    ):
        asker.ask(question(model, prompt))
    (intent,), (settled,) = books.intents, books.settlements.values()
    assert settled.usage.input_tokens <= intent.most_input_tokens <= 8_000
    assert server.count.requests == 1


@pytest.mark.parametrize("model", NATIVE)
@pytest.mark.parametrize("counts", [True, False])
def test_where_nobody_counts_or_the_count_has_no_room_the_budget_is_spent(model, counts, tmp_path):
    books = TightBooks(2_000)
    with (
        ModelServer(counts_tokens=counts) as server,
        asking(tmp_path, model, server=server, books=books, counts_tokens=True) as asker,
        pytest.raises(BudgetSpent),
    ):
        asker.ask(question(model, "word " * 4_000))
    assert server.count.requests == 0


def test_a_server_of_ones_own_is_not_asked_to_count(tmp_path):
    with (
        ModelServer(counts_tokens=True) as server,
        asking(tmp_path, "anthropic/small", server=server, books=TightBooks(8_000)) as asker,
        pytest.raises(BudgetSpent),
    ):
        asker.ask(question("anthropic/small", "word " * 4_000))
