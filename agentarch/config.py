"""What a run is told to do: one validated record, from flags and an optional TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from agentarch.errors import UsageError, unknown_name
from agentarch.suites import Suite, default_suite, find_suite

DEFAULT_PROPOSER = "evolve"
EMBEDDED = "embedded"
"""The model of our own that agents may ask without a key."""

META = "meta"
"""The proposer that language models write for."""

ABOUT_MODELS = (
    "base_url",
    "fallback_model",
    "role_model",
    "price",
    "max_usd",
    "max_tokens",
    "max_requests",
    "prompts",
    "review",
    "review_timeout",
    "placebo",
)
"""Settings that mean nothing without a language model, and that nobody gives without meaning something."""

ABOUT_SOLVERS = ("base_url", "price", "max_usd", "max_tokens", "max_requests")
"""Those among them that also make sense where agents ask a model of a provider."""

ROLES = ("propose", "reflect", "repair", "judge")
"""What a language model may be asked for."""

DEFAULT_EVALUATIONS = 120
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def parse_duration(text: str | float) -> float:
    """Return seconds for `"90s"`, `"30m"`, `"8h"`, `"1h30m"`, or a plain number of seconds.

    Raises:
        ValueError: it is none of these, or not above zero.
    """
    written = str(text).strip().lower()
    match = _DURATION.fullmatch(written)
    if match and any(match.groups()):
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        total = 3600 * hours + 60 * minutes + seconds
    else:
        try:
            total = float(written)
        except ValueError:
            raise ValueError(f"{written!r} is not a duration; write 90s, 30m, 8h or 1h30m") from None
    if not 0 < total < float("inf"):
        raise ValueError(f"{written!r} is not a duration above zero")
    return total


def _split_names(value: Any) -> Any:
    return (
        tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value
    )


def _whole_text(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    return value if value is None else parse_duration(value)


Names = Annotated[tuple[str, ...], BeforeValidator(_split_names)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_whole_text)]
Seconds = Annotated[float | None, BeforeValidator(_seconds)]


class RunConfig(BaseModel):
    """A run's settings, stored with it; a resumed run uses the stored ones.

    A run that is given a seed is public and can be repeated: its items follow from the seed alone. A run
    that is not draws a seed and a secret, so that no design can know its items beforehand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str = Field("network", description="kind of design to search over")
    suite: str | None = Field(None, description="named set of tasks, with a budget and a highest rung")
    tasks: Names = Field(min_length=1, description="tasks a design is scored on: names, or task files")
    evaluations: int | None = Field(None, strict=True, ge=1, description="stop after so many evaluations")
    time: Seconds = Field(None, description="stop after so long, e.g. 30m")
    workers: int = Field(
        default_factory=available_cores, strict=True, ge=1, le=256, description="boxes at a time"
    )
    proposer: str = Field(DEFAULT_PROPOSER, description="what writes the designs")
    seed: int | None = Field(
        None, strict=True, ge=0, lt=2**63, description="makes the run public and repeatable"
    )
    sandbox: str = Field("auto", description="what holds the designs: auto, jail, landlock, docker or unsafe")
    memory_mib: int = Field(2048, strict=True, ge=512, description="memory limit of one box, torch included")

    top_rung: int | None = Field(None, strict=True, ge=1, description="highest rung a design climbs to")
    controls: bool = Field(
        True, strict=True, description="give random proposals a budget equal to the search's, to compare with"
    )
    confirm_seeds: int = Field(
        3, strict=True, ge=3, le=20, description="training seeds of each confirmation at the end"
    )
    sweep: bool = Field(
        False, strict=True, description="also train finalists at the best of several learning rates"
    )

    solve_with: Names = Field(
        ("embedded",), description="models that agents may ask: embedded, openai/NAME, ...", min_length=1
    )

    model: Names = Field((), description="language models that propose, e.g. openai/NAME, or manual")
    base_url: Texts = Field(
        (), description="URL or MODEL=URL, where models are served, when not by their makers"
    )
    fallback_model: Names = Field((), description="asked, in this order, when a model cannot be reached")
    role_model: dict[str, str] = Field(
        default_factory=dict, description="models for single roles: propose, reflect, repair or judge"
    )
    price: Texts = Field((), description="IN,OUT or MODEL=IN,OUT in dollars per million tokens")
    max_usd: float | None = Field(None, gt=0, description="ask no model beyond so many dollars")
    max_tokens: int | None = Field(None, strict=True, ge=1, description="nor beyond so many tokens")
    max_requests: int | None = Field(None, strict=True, ge=1, description="nor beyond so many requests")
    proposals_in_flight: int = Field(
        4, strict=True, ge=1, le=64, description="proposals that models work on at a time"
    )
    model_deadline: Seconds = Field(300.0, description="how long one question may take, retries included")
    model_stall: Seconds = Field(
        120.0, description="how long a model may be silent in the middle of a request"
    )
    prompts: str | None = Field(None, description="folder of prompt templates that replace the shipped ones")
    prompt_tokens: int = Field(
        24_000, strict=True, ge=4_000, description="no prompt is longer, not counting the schema"
    )
    reply_tokens: int = Field(8_192, strict=True, ge=256, description="no answer is longer")
    reflect: bool = Field(
        True, strict=True, description="let a model look at each design before anything is spent"
    )
    review: str = Field("off", description="off, gate, or sample:SHARE: which proposals wait for a person")
    review_timeout: Seconds = Field(None, description="decide without a person after so long")
    on_timeout: Literal["approve", "reject"] = Field("reject", description="what is decided then")
    placebo: Literal["shuffled", "none"] | None = Field(
        None, description="show the models other parents than the chosen ones, or none"
    )

    @field_validator("base_url")
    @classmethod
    def _check_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            rest = text.partition("://")[2] or text
            if "@" in re.split(r"[/?#]", rest)[0]:
                raise ValueError(
                    "--base-url holds a user or a password, and would be kept with the run; leave it away, and set the "
                    "URL as OPENAI_BASE_URL, or as your provider calls it, in the environment"
                )
        return value

    @field_validator("review")
    @classmethod
    def _check_review(cls, value: str) -> str:
        mode, _, share = value.partition(":")
        try:
            is_share = mode == "sample" and 0 <= float(share) <= 1
        except ValueError:
            is_share = False
        if value not in ("off", "gate") and not is_share:
            raise ValueError("expected off, gate, or sample:SHARE with a share from 0 to 1, e.g. sample:0.2")
        return value

    @field_validator("role_model")
    @classmethod
    def _check_roles(cls, value: dict[str, str]) -> dict[str, str]:
        for role in value:
            if role not in ROLES:
                raise ValueError(f"{role!r} is no role; the roles are {', '.join(ROLES)}")
        return value

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that may be asked, each once."""
        named = (*self.model, *self.role_model.values(), *self.fallback_model, *self.solvers)
        return tuple(dict.fromkeys(named))

    @property
    def solvers(self) -> tuple[str, ...]:
        """Models of providers that agents may ask; the embedded model is none of them."""
        return tuple(name for name in self.solve_with if name != EMBEDDED) if self.kind == "agent" else ()

    @property
    def has_random_control(self) -> bool:
        """Whether random proposals are an arm of their own; a search by random proposals is its own control."""
        return self.controls and self.proposer != "random"

    @property
    def evaluation_limit(self) -> int | None:
        """The limit on evaluations; a run that names no limit at all gets the default one."""
        return DEFAULT_EVALUATIONS if self.evaluations is None and self.time is None else self.evaluations


def make_config(given: Mapping[str, Any], file: Path | None = None) -> RunConfig:
    """Combine a TOML file with what was given on the command line, which wins.

    Args:
        given: settings by name; those that are None were not given.
        file: a TOML file with settings of the same names.

    Raises:
        UsageError: an unknown key (with the nearest valid one), a value out of range, an unreadable file.
    """
    settings = dict(_read_toml(file)) if file else {}
    for key in settings:
        if key not in RunConfig.model_fields:
            raise unknown_name(f"key in {file}", key, RunConfig.model_fields)
    settings.update({key: value for key, value in given.items() if value is not None})
    if settings.get("model") and settings.setdefault("proposer", META) != META:
        raise UsageError(
            f"--model names who writes the designs, and --proposer {settings['proposer']} does, too; give one of them"
        )
    if settings.get("proposer") == META and not settings.get("model"):
        raise UsageError(
            "the proposer 'meta' needs a language model; name one, e.g. --model openai/NAME, or --model manual"
        )
    if "tasks" not in settings:
        kind = str(settings.get("kind", RunConfig.model_fields["kind"].default))
        settings = _of_suite(find_suite(str(settings.get("suite") or default_suite(kind)), kind), settings)
    elif "suite" in settings:
        raise UsageError("suite and tasks are both given; a suite is a set of tasks, so give one of them")
    try:
        config = RunConfig(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "configuration"
        message = first["msg"].removeprefix("Value error, ")
        came = "" if name.startswith("base_url") else f" (got {first['input']!r})"  # it may hold a password
        raise UsageError(f"{name}: {message}{came}") from None
    _check_alone(config)
    return config


def _check_alone(config: RunConfig) -> None:
    """Make sure that nothing is asked of what is not there: of language models, or of a kind of design.

    Raises:
        UsageError: something is, which would be passed over in silence.
    """
    if config.kind != "agent" and config.solve_with != (EMBEDDED,):
        raise UsageError("--solve-with names the models that agents ask; add --kind agent, or leave it away")
    if config.kind == "agent" and config.sweep:
        raise UsageError("--sweep tunes learning rates, and agents have none; leave it away")
    if config.model:
        return
    fields = RunConfig.model_fields
    of_solvers = ABOUT_SOLVERS if config.solvers else ()
    for name in ABOUT_MODELS:
        if name not in of_solvers and getattr(config, name) != fields[name].get_default(
            call_default_factory=True
        ):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{flag} is about language models, and no model is named; add --model, or leave it away"
            )


def _of_suite(suite: Suite, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with what a suite says wherever they say nothing."""
    said: dict[str, Any] = {
        "suite": suite.name,
        "tasks": suite.tasks,
        "top_rung": suite.top_rung,
        "confirm_seeds": suite.confirm_seeds,
    }
    if "time" not in settings:
        said["evaluations"] = suite.evaluations
    return said | settings


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise UsageError(f"cannot read the configuration {str(file)!r}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration {str(file)!r} is not TOML: {error}") from None
