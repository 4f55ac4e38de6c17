"""Where a model is reached and with which key, from its name, the settings and the environment. Loads no SDK."""

from __future__ import annotations

import os
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from agentarch.errors import UsageError
from agentarch.models.secrets import Secrets

MANUAL = "manual"
LITELLM = "litellm"
PLACEHOLDER_KEY = "none-needed"
_KEYS = {"openai": ("OPENAI_API_KEY",), "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """Where one model is reached.

    Attributes:
        model: as the user wrote it.
        provider: `openai`, `anthropic`, `litellm` or `manual`.
        name: what the provider calls the model.
        base_url: without `/` at its end; empty for the provider's own endpoint.
    """

    model: str
    provider: str
    name: str
    base_url: str = ""

    @property
    def key_variable(self) -> str:
        """The environment variable that holds the key; empty where litellm reads its own or none is needed."""
        return next(iter(_KEYS.get(self.provider, ())), "")

    @property
    def shown_url(self) -> str:
        """The base URL without user and password."""
        return Secrets(environment={}).scrub(self.base_url)

    @property
    def host(self) -> str:
        """The host of the base URL."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Whether the base URL is on this machine, where no proxy belongs in between."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


def place_of(model: str, base_url: str = "", environment: Mapping[str, str] = os.environ) -> Place:
    """Return where a model is reached.

    Args:
        model: `openai/NAME`, `anthropic/NAME`, `manual`, or any string that litellm knows.
        base_url: of a server that speaks the provider's format; empty for the provider's own, or for what the
            environment variable that the provider's SDK reads says.
        environment: variables by name.

    Raises:
        UsageError: the model is not named, or the URL is none.
    """
    if model == MANUAL:
        return Place(model, MANUAL, MANUAL)
    provider, _, name = model.partition("/")
    if provider not in _KEYS:
        provider, name = LITELLM, model
    if not name.strip():
        raise UsageError(f"--model {model!r} names no model; write it as PROVIDER/NAME, e.g. openai/NAME")
    from_environment = environment.get(f"{provider.upper()}_BASE_URL", "") if provider in _KEYS else ""
    url = (base_url or from_environment).strip().rstrip("/")
    if url:
        _check_url(url)
    if provider == "anthropic":
        url = url.removesuffix("/v1")  # its SDK appends /v1/messages
    return Place(model, provider, name, url)


def key_of(place: Place, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return the environment variable that holds a native provider's key, and the key; both empty without one."""
    for variable in _KEYS.get(place.provider, ()):
        if environment.get(variable):
            return variable, environment[variable]
    return "", ""


def missing_key(model: str, base_url: str = "", environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the environment variable that a model needs and that is not set; None where nothing lacks.

    A server behind a base URL may need none: it is sent a placeholder. litellm reads its own variables.

    Raises:
        UsageError: see `place_of`.
    """
    place = place_of(model, base_url, environment)
    if place.base_url or not place.key_variable or key_of(place, environment)[1]:
        return None
    return place.key_variable


def nothing_answers(place: Place) -> str:
    """Return the sentence for a base URL where no server listens."""
    return f"nothing answers at {place.shown_url}"


def check_reachable(places: Iterable[Place], timeout_seconds: float = 3.0) -> None:
    """See whether a server listens at each base URL, by connecting to it; nothing is sent.

    Raises:
        UsageError: none does.
    """
    for place in {place.base_url: place for place in places if place.base_url}.values():
        parts = urlsplit(place.base_url)
        if not place.is_loopback and _is_proxied(parts):
            continue  # only the proxy can tell
        try:
            address = (place.host, parts.port or _PORTS[parts.scheme])
            socket.create_connection(address, timeout_seconds).close()
        except OSError:
            raise UsageError(f"{nothing_answers(place)}; start the server or correct --base-url") from None


def _is_proxied(parts: SplitResult) -> bool:
    proxies = urllib.request.getproxies()
    return bool({parts.scheme, "all"} & proxies.keys()) and not urllib.request.proxy_bypass(
        parts.hostname or ""
    )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        shown = Secrets(environment={}).scrub(url)
        raise UsageError(f"--base-url {shown!r} is no URL; expected e.g. http://127.0.0.1:8000/v1")
