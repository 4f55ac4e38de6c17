"""The embedded model as it is asked: prompts in, sampled texts out, the same texts for the same request.

Texts depend on nothing but the request: not on threads, nor on what else is in the batch. Knows neither designs nor
budgets; whoever serves it keeps those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentarch.content import content_folder
from agentarch.embedded.inference import Transformer
from agentarch.embedded.language import THOUGHT
from agentarch.embedded.names import Salt
from agentarch.embedded.vocabulary import ANSWER, END, QUESTION, Vocabulary, count_tokens
from agentarch.embedded.weights import Floats, Weights, read_weights
from agentarch.embedded.world import World, make_world
from agentarch.errors import AgentarchError, unknown_name

LONGEST_ANSWER = 42
"""Words and marks; four steps and their conclusion take forty at most."""

_THOUGHT_WORDS = 2
"""Of a silent thought: the mark that begins it, and what is recalled. They are not shown and do not count."""

_SAMPLES_AT_ONCE = 64
_SALTS_KEPT = 4096
_DRAWS = 8
"""Random numbers in a digest of 64 bytes."""


@dataclass(frozen=True)
class Request:
    """What the model is asked.

    Attributes:
        prompt: in shown names.
        system: read before the prompt; None for nothing.
        temperature: of sampling; 0 takes the likeliest word every time.
        max_tokens: the most words and marks of an answer; never more than `LONGEST_ANSWER`.
        n: how many answers.
        salt: key of this question's names; empty for real names.
        key: of the sampling noise.
        repeat: how often this prompt was asked before with this key; answer i has the noise of repeat + i.
    """

    prompt: str
    system: str | None = None
    temperature: float = 1.0
    max_tokens: int = LONGEST_ANSWER
    n: int = 1
    salt: bytes = b""
    key: bytes = b""
    repeat: int = 0


@dataclass(frozen=True)
class Reply:
    """What the model answered.

    Attributes:
        texts: as many as were asked for, in shown names.
        prompt_tokens: words and marks of prompt and system text, those that were passed over included.
        output_tokens: words and marks of all texts.
    """

    texts: tuple[str, ...]
    prompt_tokens: int
    output_tokens: int


def worlds() -> list[str]:
    """Return the names of the shipped worlds, in alphabetical order."""
    return sorted(path.stem for path in _folder().glob("*.safetensors"))


class EmbeddedModel:
    """A small language model that knows one closed world, with real sampling and real errors.

    Args:
        weights: of the model.

    Raises:
        AgentarchError: the weights were trained on another world than their seed makes now.
    """

    def __init__(self, weights: Weights) -> None:
        self.name = weights.world
        self.world: World = make_world(weights.world, weights.world_seed)
        self.context = weights.shape.context
        self._vocabulary = Vocabulary(self.world)
        if self.world.fingerprint != weights.fingerprint or len(self._vocabulary) != weights.shape.words:
            raise AgentarchError(
                f"the weights of world {weights.world!r} belong to another version of agentarch: its facts or words "
                f"have changed since; make them anew with `python -m agentarch.embedded.train --world {weights.world}`"
            )
        self._transformer = Transformer(weights)
        self._question, self._answer, self._end, self._thought = self._vocabulary.numbers(
            (QUESTION, ANSWER, END, THOUGHT)
        )
        self._salt = lru_cache(_SALTS_KEPT)(partial(Salt, self.world))

    @classmethod
    def load(cls, world: str) -> EmbeddedModel:
        """Return the shipped model of a world.

        Raises:
            UsageError: there is no such world.
            AgentarchError: its weights are missing or damaged.
        """
        path = _folder() / f"{world}.safetensors"
        if not path.is_file() and worlds():
            raise unknown_name("world", world, worlds())
        return cls(read_weights(path))

    def answer(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer requests together; every reply is what it would be alone."""
        read = [self._read(request) for request in requests]
        texts: list[tuple[str, ...]] = [()] * len(requests)
        waiting = sorted(range(len(requests)), key=lambda place: len(read[place]))
        while waiting:
            taken: list[int] = []
            samples = 0
            while waiting and (not taken or samples + requests[waiting[0]].n <= _SAMPLES_AT_ONCE):
                samples += requests[waiting[0]].n
                taken.append(waiting.pop(0))
            written = self._written([requests[place] for place in taken], [read[place] for place in taken])
            for place, found in zip(taken, written, strict=True):
                names = self._salt(requests[place].salt)
                texts[place] = tuple(names.shown(text) for text in found)
        return [
            Reply(
                found,
                count_tokens(request.system or "") + count_tokens(request.prompt),
                sum(count_tokens(text) for text in found),
            )
            for request, found in zip(requests, texts, strict=True)
        ]

    def _read(self, request: Request) -> list[int]:
        """Return the words that the model reads of a request: the last sentences that it knows and has room for."""
        asked = f"{request.system}\n{request.prompt}" if request.system else request.prompt
        room = self.context - LONGEST_ANSWER - _THOUGHT_WORDS - 2
        kept: list[list[int]] = []
        for sentence in reversed(self._vocabulary.sentences(self._salt(request.salt).real(asked))):
            if len(sentence) > room:
                break
            room -= len(sentence)
            kept.append(sentence)
        return [self._question, *(word for sentence in reversed(kept) for word in sentence), self._answer]

    def _written(self, requests: Sequence[Request], read: Sequence[Sequence[int]]) -> list[list[str]]:
        """Return the texts of each request, in real names."""
        samples = [(place, number) for place, request in enumerate(requests) for number in range(request.n)]
        owners = np.array([place for place, _ in samples])
        if not samples:
            return [[] for _ in requests]
        noises = [_Noise(requests[place], number) for place, number in samples]
        most = [min(requests[place].max_tokens, LONGEST_ANSWER) for place, _ in samples]
        temperatures = np.array([requests[place].temperature for place, _ in samples], dtype=np.float32)
        words: list[list[int]] = [[] for _ in samples]
        ended = [False] * len(samples)
        rooms = max(most) + _THOUGHT_WORDS
        memory, logits = self._transformer.read(read, rooms)
        memory, logits = memory.chosen(owners), logits[owners]
        active = np.arange(len(samples))
        for step in range(rooms):
            draws = np.array([noises[sample].draw(step) for sample in active])
            drawn = self._drawn(logits, temperatures[active], draws)
            goes_on = np.array([step < most[sample] + _THOUGHT_WORDS for sample in active])
            goes_on &= drawn != self._end
            for row, sample in enumerate(active):
                if goes_on[row]:
                    words[sample].append(int(drawn[row]))
                ended[sample] = bool(drawn[row] == self._end)
            if not goes_on.all():
                rows = np.nonzero(goes_on)[0]
                if not len(rows):
                    break
                active, drawn, memory = active[rows], drawn[rows], memory.chosen(rows)
            if step + 1 < rooms:
                logits = self._transformer.go_on(memory, drawn)
        texts: list[list[str]] = [[] for _ in requests]
        for (place, _), found, limit, is_whole in zip(samples, words, most, ended, strict=True):
            heard = found[_THOUGHT_WORDS:] if found[:1] == [self._thought] else found
            said = [word for word in heard if word != self._thought]
            text = self._vocabulary.text(said[:limit])
            needs_stop = is_whole and len(said) < limit and not text.endswith((".", "?"))
            texts[place].append(f"{text}." if needs_stop else text)
        return texts

    def _drawn(self, logits: Floats, temperatures: Floats, draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return a word for each row of logits, `(rows, words)`, from a random number in [0, 1) for each."""
        logits = logits.copy()
        logits[:, [self._question, self._answer]] = -1e9
        likeliest = logits.argmax(axis=1)
        greedy = temperatures <= 0
        logits -= logits.max(axis=1, keepdims=True)
        logits /= np.where(greedy, np.float32(1), temperatures)[:, None]
        heaped = np.cumsum(np.exp(logits), axis=1, dtype=np.float64)
        drawn = (heaped <= draws[:, None] * heaped[:, -1:]).sum(axis=1)
        chosen: NDArray[np.int64] = np.where(greedy, likeliest, np.minimum(drawn, logits.shape[1] - 1))
        return chosen


class _Noise:
    """Random numbers in [0, 1) that follow from a request, which of its answers it is, and the place in it."""

    def __init__(self, request: Request, number: int) -> None:
        state = hashlib.blake2b(digest_size=64)
        for part in (request.key, (request.system or "").encode(), request.prompt.encode()):
            state.update(len(part).to_bytes(8, "big") + part)
        state.update((request.repeat + number).to_bytes(8, "big"))
        self._state = state
        self._block = -1
        self._numbers: NDArray[np.float64] = np.empty(0)

    def draw(self, place: int) -> float:
        """Return the random number of a place."""
        if place // _DRAWS != self._block:
            self._block = place // _DRAWS
            state = self._state.copy()
            state.update(self._block.to_bytes(8, "big"))
            self._numbers = np.frombuffer(state.digest(), dtype=">u8") / 2.0**64
        return float(self._numbers[place % _DRAWS])


def _folder() -> Path:
    return content_folder("evals") / "agents" / "worlds"
