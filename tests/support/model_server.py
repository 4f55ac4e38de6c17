"""A real HTTP server on loopback that talks the OpenAI and the Anthropic wire formats, and fails on request.

    server = ModelServer(reply=lambda request: "hello")
    with server: ... server.base_url ... server.count

It counts tokens when it has told them, so that a ledger can be held against `count`. By hand:

    python -m support.model_server --port 8000 --faults 0.1
"""

import argparse
import contextlib
import json
import random
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FAULTS = ("429", "500", "529", "hang", "cut", "empty", "wrong_json")
MORE_FAULTS = (
    "400",  # whatever is asked
    "html",
    "slow_drip",  # a stream that never ends, one byte now and then
    "reset",  # the connection is closed without an answer
    "no_usage",
    "error_event",
    "cut_after_usage",
    "huge",
)


@dataclass(frozen=True)
class Request:
    """One request as the server understood it."""

    wire: str  # openai or anthropic
    model: str
    system: str
    prompt: str
    form: str  # plain, schema or tool
    schema: dict[str, Any] | None
    body: dict[str, Any]
    headers: dict[str, str]
    number: int


@dataclass
class Count:
    """What the server has done: requests, tokens told, and answers begun but not told."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    unfinished: int = 0
    by_model: dict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: {"requests": 0, "input_tokens": 0, "output_tokens": 0})
    )
    in_flight: int = 0
    most_in_flight: int = 0
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))


COUNTING = ("/v1/messages/count_tokens", "/v1/responses/input_tokens")


def echo(request: Request) -> str:
    """Answer with something that depends on the question: as JSON where a schema is asked for."""
    text = f"answer to {request.prompt[:60]}"
    return json.dumps({"text": text}) if request.form != "plain" else text


def tokens_of(text: str) -> int:
    return max(1, len(text.encode("utf-8", "replace")) // 4)


class ModelServer:
    """The server; a context manager.

    Args:
        reply: returns the text, or the arguments of the tool, to answer a request with.
        faults: the faults of the first requests, in order; None is none.
        fault_rate: of the others, how many fail by chance.
        fault_kinds: how.
        seed: of that chance.
        fault_for: names the fault of a request; goes before the others where it returns one.
        keys: those that are let in; empty lets anybody in.
        models: those that are known; empty knows all.
        forms: what it accepts: of `plain`, `schema`, `tool`; answers others with `form_status`.
        streams: whether it streams when asked to.
        latency_seconds: before it answers.
        retry_after: the header of a 429.
        counts_tokens: whether it counts tokens beforehand, which is no request of `count`.
        cached_tokens: of every input, said to be read from a cache.
        cache_written_tokens: of every input, said to be written to one (Anthropic).
    """

    def __init__(
        self,
        reply: Callable[[Request], str] = echo,
        *,
        faults: Iterable[str | None] = (),
        fault_rate: float = 0.0,
        fault_kinds: tuple[str, ...] = FAULTS,
        seed: int = 0,
        fault_for: Callable[[Request], str | None] | None = None,
        keys: Iterable[str] = (),
        models: Iterable[str] = (),
        forms: tuple[str, ...] = ("plain", "schema", "tool"),
        form_status: int = 400,
        streams: bool = True,
        latency_seconds: float = 0.0,
        retry_after: str = "0",
        cached_tokens: int = 0,
        cache_written_tokens: int = 0,
        counts_tokens: bool = False,
        port: int = 0,
    ) -> None:
        self.reply = reply
        self.script = list(faults)
        self.fault_rate = fault_rate
        self.fault_kinds = fault_kinds
        self.fault_for = fault_for
        self.keys = set(keys)
        self.models = set(models)
        self.forms = forms
        self.form_status = form_status
        self.streams = streams
        self.latency_seconds = latency_seconds
        self.retry_after = retry_after
        self.cached_tokens = cached_tokens
        self.cache_written_tokens = cache_written_tokens
        self.counts_tokens = counts_tokens
        self.count = Count()
        self.log: list[Request] = []
        self.lock = threading.Lock()
        self.is_closing = threading.Event()
        self.connections: set[socket.socket] = set()
        self._chance = random.Random(seed)
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.model_server = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> "ModelServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.is_closing.set()
        self._http.shutdown()
        self._http.server_close()
        with self.lock:
            for connection in self.connections:  # those that clients keep, too
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def fault(self, request: Request) -> str | None:
        """Return what goes wrong with a request."""
        with self.lock:
            named = self.fault_for(request) if self.fault_for else None
            if named is None and self.script:
                named = self.script.pop(0)
            elif named is None and self._chance.random() < self.fault_rate:
                named = self._chance.choice(self.fault_kinds)
            if named:
                self.count.faults[named] += 1
            return named

    def tell(self, model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> None:
        """Count tokens that were told."""
        with self.lock:
            self.count.input_tokens += input_tokens
            self.count.output_tokens += output_tokens
            self.count.cached_tokens += cached_tokens
            of_model = self.count.by_model[model]
            of_model["input_tokens"] += input_tokens
            of_model["output_tokens"] += output_tokens

    def as_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                **vars(self.count),
                "by_model": dict(self.count.by_model),
                "faults": dict(self.count.faults),
            }


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    model_server: ModelServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def setup(self) -> None:
        super().setup()
        with self.home.lock:
            self.home.connections.add(self.connection)

    def finish(self) -> None:
        with self.home.lock:
            self.home.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass

    @property
    def home(self) -> ModelServer:
        return self.server.model_server

    def do_GET(self) -> None:
        if self.path == "/count":
            self._send(200, self.home.as_json())
        else:
            self._send(404, {"error": {"message": f"no {self.path}", "type": "not_found_error"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wire = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}.get(
            self.path.partition("?")[0]
        )
        if self.path in COUNTING and self.home.counts_tokens:
            tokens = tokens_of(json.dumps(body))
            self._send(200, {"input_tokens": tokens, "object": "response.input_tokens"})
            return
        if wire is None:
            self._send(
                404,
                {"error": {"message": f"Invalid URL (POST {self.path})", "type": "invalid_request_error"}},
            )
            return
        home = self.home
        with home.lock:
            home.count.requests += 1
            home.count.by_model[body.get("model", "")]["requests"] += 1
            home.count.in_flight += 1
            home.count.most_in_flight = max(home.count.most_in_flight, home.count.in_flight)
            request = _understood(wire, body, dict(self.headers.items()), home.count.requests)
            home.log.append(request)
        try:
            self._answer(request, _Openai(self, request) if wire == "openai" else _Anthropic(self, request))
        finally:
            with home.lock:
                home.count.in_flight -= 1

    def _answer(self, request: Request, wire: "_Wire") -> None:
        home = self.home
        key = request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix(
            "Bearer "
        )
        if home.keys and key not in home.keys:
            wire.error(401, "authentication_error", "invalid_api_key", f"Incorrect API key provided: {key}")
        elif home.models and request.model not in home.models:
            wire.error(
                404, "not_found_error", "model_not_found", f"The model `{request.model}` does not exist"
            )
        elif request.form not in home.forms:
            wire.error(home.form_status, "invalid_request_error", None, f"{request.form} is not supported")
        else:
            fault = home.fault(request)
            if home.latency_seconds:
                time.sleep(home.latency_seconds)
            getattr(self, f"_fault_{fault}", self._whole)(request, wire, fault)

    def _whole(self, request: Request, wire: "_Wire", fault: str | None) -> None:
        """Answer as it should be, or with the fault that is inside the answer."""
        if fault and fault.isdigit():
            kind = {"429": "rate_limit_error", "529": "overloaded_error", "400": "invalid_request_error"}
            headers = {"Retry-After": self.home.retry_after} if fault == "429" else {}
            wire.error(int(fault), kind.get(fault, "api_error"), None, f"fault {fault}", headers)
            return
        text = "" if fault == "empty" else self.home.reply(request)
        text = "x" * 40_000_000 if fault == "huge" else text
        if request.body.get("stream") and self.home.streams:
            wire.stream(text, fault)
        elif fault in ("cut", "error_event", "cut_after_usage"):
            self._fault_cut_body(wire)
        else:
            wire.body(text, tells_usage=fault != "no_usage")

    def _fault_hang(self, request: Request, wire: "_Wire", fault: str) -> None:
        """Hold the line until the client hangs up."""
        while not self.home.is_closing.is_set():
            if select.select([self.connection], [], [], 0.05)[0]:
                break
        self.close_connection = True

    def _fault_reset(self, request: Request, wire: "_Wire", fault: str) -> None:
        self.close_connection = True

    def _fault_cut_body(self, wire: "_Wire") -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": "cut')
        self.close_connection = True
        with self.home.lock:
            self.home.count.unfinished += 1

    def _fault_wrong_json(self, request: Request, wire: "_Wire", fault: str) -> None:
        self._send(200, {"hello": ["this", "is", "no", "completion"]})

    def _fault_html(self, request: Request, wire: "_Wire", fault: str) -> None:
        self._raw(200, b"<html>502 Bad Gateway</html>", "text/html")

    def _fault_slow_drip(self, request: Request, wire: "_Wire", fault: str) -> None:
        self.begin_stream()
        while not self.home.is_closing.is_set():
            self.chunk(b": still here\n\n")
            time.sleep(0.02)

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json", headers)

    def _raw(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self, is_cut: bool = False) -> None:
        if is_cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")


class _Wire:
    """One provider's format for one request."""

    def __init__(self, handler: _Handler, request: Request) -> None:
        self.handler = handler
        self.home = handler.home
        self.request = request
        self.input_tokens = tokens_of(request.system + request.prompt) + self.home.cached_tokens
        self.is_tool = request.form == "tool"

    def told(self, output_tokens: int) -> None:
        self.home.tell(self.request.model, self.input_tokens, output_tokens, self.home.cached_tokens)

    def unfinished(self) -> None:
        with self.home.lock:
            self.home.count.unfinished += 1

    @staticmethod
    def pieces(text: str) -> list[str]:
        size = min(max(len(text) // 4, 16), 50_000)
        return [text[start : start + size] for start in range(0, len(text), size)]


class _Openai(_Wire):
    def error(
        self, status: int, kind: str, code: str | None, message: str, headers: dict[str, str] | None = None
    ) -> None:
        error = {"message": message, "type": kind, "param": None, "code": code}
        self.handler._send(status, {"error": error}, headers)

    def usage(self, text: str) -> dict[str, Any]:
        output = tokens_of(text)
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": output,
            "total_tokens": self.input_tokens + output,
            "prompt_tokens_details": {"cached_tokens": self.home.cached_tokens},
        }

    def frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"id": f"c-{self.request.number}", "object": kind, "created": 1, "model": self.request.model}
        return {**head, "choices": choices}

    def tool_call(self, arguments: str, **more: Any) -> dict[str, Any]:
        name = self.request.body["tool_choice"]["function"]["name"] if self.is_tool else ""
        return {
            "id": "call-1",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
            **more,
        }

    def body(self, text: str, tells_usage: bool = True) -> None:
        message: dict[str, Any] = {"role": "assistant", "content": None if self.is_tool else text}
        if self.is_tool:
            message["tool_calls"] = [self.tool_call(text)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if self.is_tool else "stop"}
        body = self.frame("chat.completion", [choice])
        if tells_usage:
            body["usage"] = self.usage(text)
            self.told(tokens_of(text))
        self.handler._send(200, body)

    def event(self, body: dict[str, Any]) -> None:
        self.handler.chunk(f"data: {json.dumps(body)}\n\n".encode())

    def delta(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.event(self.frame("chat.completion.chunk", [choice]))

    def stream(self, text: str, fault: str | None) -> None:
        self.handler.begin_stream()
        self.delta({"role": "assistant", "content": None if self.is_tool else ""})
        for number, piece in enumerate(self.pieces(text)):
            if self.is_tool:
                self.delta({"tool_calls": [self.tool_call(piece, index=0)]})
            else:
                self.delta({"content": piece})
            if fault in ("cut", "error_event") and number == 0:
                if fault == "error_event":
                    self.event({"error": {"message": "the server had an error", "type": "server_error"}})
                self.unfinished()
                self.handler.end_stream(is_cut=True)
                return
        self.delta({}, "tool_calls" if self.is_tool else "stop")
        if fault != "no_usage" and self.request.body.get("stream_options", {}).get("include_usage"):
            self.event(self.frame("chat.completion.chunk", []) | {"usage": self.usage(text)})
            self.told(tokens_of(text))
        if fault == "cut_after_usage":
            self.handler.end_stream(is_cut=True)
            return
        self.handler.chunk(b"data: [DONE]\n\n")
        self.handler.end_stream()


class _Anthropic(_Wire):
    def error(
        self, status: int, kind: str, code: str | None, message: str, headers: dict[str, str] | None = None
    ) -> None:
        self.handler._send(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)

    @property
    def input_usage(self) -> dict[str, int]:
        written = min(self.home.cache_written_tokens, self.input_tokens - self.home.cached_tokens)
        return {
            "input_tokens": self.input_tokens - self.home.cached_tokens - written,
            "cache_read_input_tokens": self.home.cached_tokens,
            "cache_creation_input_tokens": written,
        }

    def message(self, content: list[Any], stop_reason: str | None, usage: dict[str, int]) -> dict[str, Any]:
        head = {"id": f"msg-{self.request.number}", "type": "message", "role": "assistant"}
        model = {"model": self.request.model, "stop_sequence": None}
        return {**head, **model, "content": content, "stop_reason": stop_reason, "usage": usage}

    def block(self, text: str) -> dict[str, Any]:
        if self.is_tool:
            name = self.request.body["tool_choice"]["name"]
            return {"type": "tool_use", "id": "t-1", "name": name, "input": json.loads(text) if text else {}}
        return {"type": "text", "text": text}

    @property
    def stop_reason(self) -> str:
        return "tool_use" if self.is_tool else "end_turn"

    def body(self, text: str, tells_usage: bool = True) -> None:
        usage = {**self.input_usage, "output_tokens": tokens_of(text)}
        body = self.message([self.block(text)] if text else [], self.stop_reason, usage)
        if tells_usage:
            self.told(tokens_of(text))
        else:
            del body["usage"]
        self.handler._send(200, body)

    def event(self, kind: str, **body: Any) -> None:
        self.handler.chunk(f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode())

    def stream(self, text: str, fault: str | None) -> None:
        self.handler.begin_stream()
        tells = fault != "no_usage"
        start = {**self.input_usage, "output_tokens": 1} if tells else {}
        if tells:
            self.told(1)
        self.event("message_start", message=self.message([], None, start))
        self.event("ping")
        self.event("content_block_start", index=0, content_block=self.block(""))
        kind, name = ("input_json_delta", "partial_json") if self.is_tool else ("text_delta", "text")
        for number, piece in enumerate(self.pieces(text)):
            self.event("content_block_delta", index=0, delta={"type": kind, name: piece})
            if fault in ("cut", "error_event") and number == 0:
                if fault == "error_event":
                    self.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
                self.unfinished()
                self.handler.end_stream(is_cut=True)
                return
        self.event("content_block_stop", index=0)
        usage = {"usage": {"output_tokens": tokens_of(text)}} if tells else {}
        if tells:
            self.home.tell(self.request.model, 0, tokens_of(text) - 1)
        self.event("message_delta", delta={"stop_reason": self.stop_reason, "stop_sequence": None}, **usage)
        if fault == "cut_after_usage":
            self.handler.end_stream(is_cut=True)
            return
        self.event("message_stop")
        self.handler.end_stream()


def _understood(wire: str, body: dict[str, Any], headers: dict[str, str], number: int) -> Request:
    messages = body["messages"]
    if wire == "openai":
        system = "".join(_text(m["content"]) for m in messages if m["role"] == "system")
        answer_format = body.get("response_format") or {}
        schema = answer_format.get("json_schema", {}).get("schema")
        tool = [tool["function"]["parameters"] for tool in body.get("tools", ())]
    else:
        system = _text(body.get("system", ""))
        schema = (body.get("output_config") or {}).get("format", {}).get("schema")
        tool = [tool["input_schema"] for tool in body.get("tools", ())]
    prompt = "".join(_text(m["content"]) for m in messages if m["role"] == "user")
    form = "schema" if schema else "tool" if tool else "plain"
    schema = schema or (tool[0] if tool else None)
    return Request(wire, body["model"], system, prompt, form, schema, body, headers, number)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--kinds", default=",".join(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--answer", help="a file whose text answers everything")
    options = parser.parse_args()
    reply = echo
    if options.answer:
        text = Path(options.answer).read_text(encoding="utf-8")

        def reply(request: Request) -> str:
            return text

    server = ModelServer(
        reply,
        fault_rate=options.faults,
        fault_kinds=tuple(options.kinds.split(",")),
        seed=options.seed,
        latency_seconds=options.latency,
        keys=options.key,
        port=options.port,
    )
    with server:
        print(server.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
