"""What a request costs, and at most."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentarch.errors import UsageError
from agentarch.models import Intent, Price, Usage, cost, known_price, most, parse_price


@pytest.mark.parametrize(
    ("text", "model", "price"),
    [
        ("3,15", "", Price(3, 15, 3, 3)),
        (" 0.25 , 1e1 ", "", Price(0.25, 10, 0.25, 0.25)),
        ("3,15,0.3", "", Price(3, 15, 0.3, 3)),
        ("openai/NAME=0,0", "openai/NAME", Price(0, 0, 0, 0)),
        ("a=b/c=1,2", "a=b/c", Price(1, 2, 1, 1)),
    ],
)
def test_a_price_is_read_as_people_write_it(text, model, price):
    assert parse_price(text) == (model, price)


@pytest.mark.parametrize("text", ["", "3", "3;15", "3,", "1,2,3,4", "-1,2", "nan,1", "inf,1", "a,b", "m="])
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
