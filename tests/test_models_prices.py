"""What a request costs, and at most."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentarch.errors import UsageError
from agentarch.models import Intent, Price, Usage, cost, given_price, known_price, most, parse_price, pricing


@pytest.mark.parametrize(
    ("text", "model", "price"),
    [
        ("3,15", "", Price(3, 15, 3, 3)),
        (" 0.25 , 1e1 ", "", Price(0.25, 10, 0.25, 0.25)),
        ("3,15,0.3", "", Price(3, 15, 0.3, 3)),
        ("3,15,0.3,4", "", Price(3, 15, 0.3, 4)),
        ("openai/NAME=0,0", "openai/NAME", Price(0, 0, 0, 0)),
        ("anthropic/NAME=3,15,0.3,6", "anthropic/NAME", Price(3, 15, 0.3, 6)),
        ("a=b/c=1,2", "a=b/c", Price(1, 2, 1, 1)),
    ],
)
def test_a_price_is_read_as_people_write_it(text, model, price):
    name, numbers = parse_price(text)
    assert name == model
    assert given_price(name, numbers) == price


def test_what_anthropic_charges_for_its_cache_is_in_a_price_that_does_not_say_it():
    price = given_price("anthropic/NAME", parse_price("4,15")[1])
    assert price == Price(4, 15, 4, 5)
    assert most(Intent("anthropic/NAME", "propose", "", 1, 1_000_000, 0), price) == 5


def test_a_known_price_is_the_dearest_that_may_be_charged(monkeypatch):
    entry = {
        "mode": "chat",
        "input_cost_per_token": 1e-6,
        "input_cost_per_token_above_200k_tokens": 2e-6,
        "input_cost_per_token_above_200k_tokens_priority": 9e-6,  # nobody asks for it
        "output_cost_per_token": 3e-6,
        "output_cost_per_token_above_200k_tokens": 4e-6,
        "output_cost_per_reasoning_token": 5e-6,
        "cache_read_input_token_cost": 2e-7,
        "cache_read_input_token_cost_above_1000k_tokens": 4e-7,
        "cache_creation_input_token_cost": 1.25e-6,
        "cache_creation_input_token_cost_above_200k_tokens": 2.5e-6,
        "cache_creation_input_token_cost_above_1hr": 8e-6,
    }
    monkeypatch.setattr(pricing, "_price_file", lambda: {"gemini/x": entry})
    assert known_price("gemini/x", longest_prompt=2_000_000) == Price(2, 5, 0.4, 2.5)
    assert known_price("gemini/x") == Price(1, 5, 0.2, 1.25), "what only longer prompts cost"


@pytest.mark.parametrize("text", ["", "3", "3;15", "3,", "1,2,3,4,5", "-1,2", "nan,1", "inf,1", "a,b", "m="])
def test_what_is_no_price_is_shown_how_to_write_one(text):
    with pytest.raises(UsageError, match=r"expected IN,OUT .* e\.g\. 3,15"):
        parse_price(text)


def test_well_known_prices_are_known_without_loading_litellm():
    program = (
        "import sys\nfrom agentarch.models import known_price\n"
        "print(known_price('openai/gpt-4o'), known_price('anthropic/claude-sonnet-4-5'), 'litellm' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "Price(input=2.5, output=10.0, cached_input=1.25, cache_write=2.5)" in said
    assert "Price(input=3.0, output=15.0, cached_input=0.3, cache_write=3.75)" in said
    assert said.strip().endswith("False")


@pytest.mark.parametrize("model", ["openai/no-such-model", "anthropic/gpt-4o", "manual", "sample_spec", ""])
def test_a_price_that_nobody_told_is_not_made_up(model):
    assert known_price(model) is None


def test_tokens_from_and_to_a_cache_have_their_own_price():
    price = Price(input=3, output=15, cached_input=0.3, cache_write=3.75)
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=600, cache_written_tokens=300)
    assert cost(usage, price) == pytest.approx((100 * 3 + 600 * 0.3 + 300 * 3.75 + 100 * 15) / 1e6)


tokens = st.integers(0, 10**7)
dollars = st.floats(0, 1000)


@given(tokens, tokens, tokens, tokens, dollars, dollars, dollars, dollars)
def test_no_request_costs_more_than_the_most(sent, written, cached, stored, a, b, c, d):
    price = Price(a, b, c, d)
    bound = most(Intent("m", "propose", "", 1, sent, written), price)
    assert cost(Usage(sent, written, cached, stored), price) <= bound * (1 + 1e-12)
