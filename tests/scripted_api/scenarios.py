"""Every way in which an upstream may behave, by name: what it does, and what must come of it all the same.

outcome of a creation with a stream, followed to its end:
  completed  the clips come out (`recovered`: after the answer to the POST was lost)
  failed     the generation itself fails; that is a result
  refused    an error of class `error`; certainly nothing was created
  lost       CreationLostError: it may exist, and cannot be found with certainty
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from scripted_api.api import Generation, ScriptedClipApi
    from scripted_api.wire import Exchange

Outcome = Literal["completed", "failed", "refused", "lost"]


async def _normal_post(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
    generation = api.new_generation(body, key, scenario)
    if x.fields.get("stream"):
        await x.open_stream()
        await relay(x, generation)
        await x.end_stream()
    else:
        await x.json(202, generation.snapshot())


async def _normal_get(api: ScriptedClipApi, x: Exchange, generation: Generation) -> None:
    del api
    if not generation.manual:
        generation.advance()
    await x.json(200, generation.snapshot())


PostHandler = Callable[["ScriptedClipApi", "Exchange", str, dict[str, Any], "Scenario"], Awaitable[None]]
GetHandler = Callable[["ScriptedClipApi", "Exchange", "Generation"], Awaitable[None]]
ListHandler = Callable[["ScriptedClipApi", "Exchange"], Awaitable[None]]
StreamScript = Callable[["Exchange", "Generation"], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """One behaviour. needs_patience: it is only over after the client's own time limits."""

    name: str
    story: str
    outcome: Outcome = "completed"
    error: str = ""
    recovered: bool = False
    needs_patience: bool = False
    is_manual: bool = False
    on_post: PostHandler = _normal_post
    on_get: GetHandler = _normal_get
    on_list: ListHandler | None = None


SCENARIOS: dict[str, Scenario] = {}


def _add(name: str, story: str, **more: Any) -> None:
    SCENARIOS[name] = Scenario(name, story, **more)


async def relay(x: Exchange, generation: Generation, *, until: str | None = None) -> None:
    """Send each stage as an event, from the first to the end or to `until`."""
    told = 0
    while True:
        while told < len(generation.history):
            await x.event(generation.snapshot(generation.history[told]))
            told += 1
            if generation.history[told - 1] in (until, "completed", "failed"):
                return
        if generation.manual:
            await _changed_or_gone(x, generation)
        else:
            generation.advance()


async def _changed_or_gone(x: Exchange, generation: Generation) -> None:
    from scripted_api.wire import GoneError

    waits = [asyncio.ensure_future(x.reader.read(1)), asyncio.ensure_future(generation.changed.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if waits[0].done():
            raise GoneError
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _refusing(status: int, kind: str, message: str, **headers: str) -> PostHandler:
    async def post(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
        del api, key, body, scenario
        await x.json(status, {"error": {"type": kind, "message": message}}, **headers)

    return post


def _losing(answer: Callable[[Exchange], Awaitable[None]], *, creates: bool = True) -> PostHandler:
    """Create the generation, or not, and spoil the answer."""

    async def post(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
        if creates:
            api.new_generation(body, key, scenario)
        await answer(x)

    return post


def _streaming(script: StreamScript, *, chunked: bool = True, **headers: str) -> PostHandler:
    """Create the generation and let the script write its stream."""

    async def post(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
        generation = api.new_generation(body, key, scenario)
        if not x.fields.get("stream"):
            await x.json(202, generation.snapshot())
            return
        await x.open_stream(chunked=chunked, **headers)
        await script(x, generation)

    return post


# --- The normal ones -------------------------------------------------------------------------------------------

_add("normal", "Streams every stage and ends.")
_add("manual", "Advances only as the test says.", is_manual=True)


async def _stays(api: ScriptedClipApi, x: Exchange, generation: Generation) -> None:
    del api
    await x.json(200, generation.snapshot())


async def _accepts(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
    await x.json(202, api.new_generation(body, key, scenario).snapshot())


_add("waits", "Has no stream, and advances only as the test says.", is_manual=True, on_post=_accepts, on_get=_stays)

# --- Refused: certainly nothing was created --------------------------------------------------------------------

for _status, _kind, _error, _message in (
    (400, "validation_error", "BadRequestError", "source_start_time must be a whole number"),
    (401, "authentication_error", "AuthenticationError", "Invalid API key"),
    (402, "", "CreditError", "P001: Insufficient Balance"),
    (403, "permission_error", "AuthenticationError", "Not allowed"),
    (404, "not_found_error", "ApiError", "No such path"),
    (413, "", "ApiError", "Too large"),
    (422, "validation_error", "BadRequestError", "field required"),
    (429, "rate_limit_error", "RateLimitError", "10 requests per day"),
):
    _add(f"http_{_status}", f"Refuses with {_status}.", outcome="refused", error=_error,
         on_post=_refusing(_status, _kind, _message))  # fmt: skip
_add("no_credit_400", "Says Insufficient Balance with 400.", outcome="refused", error="CreditError",
     on_post=_refusing(400, "", "P001: Insufficient Balance"))  # fmt: skip
_add("redirect", "Redirects the POST; the key must not follow.", outcome="refused", error="UnreadableAnswerError",
     on_post=_losing(lambda x: x.answer(307, b"", Location="http://127.0.0.1:9/v1/clips"), creates=False))  # fmt: skip
_add("echoes_key", "Repeats the key in its error.", outcome="refused", error="AuthenticationError",
     on_post=_losing(
         lambda x: x.json(401, {"error": {"message": f"Invalid key {x.headers['x-api-key']}"}}), creates=False
     ))  # fmt: skip

# --- The answer to the POST is lost, the generation exists -----------------------------------------------------


async def _reset(x: Exchange) -> None:
    x.reset()


async def _close(x: Exchange) -> None:
    del x


async def _reset_after_head(x: Exchange) -> None:
    await x.open_stream()
    x.reset()


async def _end_at_once(x: Exchange) -> None:
    await x.open_stream()
    await x.end_stream()


async def _heartbeats_only(x: Exchange) -> None:
    await x.open_stream()
    for _ in range(3):
        await x.piece(b": heartbeat\n\n")
    await x.end_stream()


async def _cut_first_event(x: Exchange) -> None:
    await x.open_stream(chunked=False)
    await x.piece(b'data: {"id": "0b')


async def _nameless(x: Exchange) -> None:
    await x.open_stream()
    for status in ("queued", "downloading"):
        await x.event({"status": status})
    await x.end_stream()


async def _error_event(x: Exchange) -> None:
    await x.open_stream()
    await x.piece(b'event: error\ndata: {"error": {"message": "upstream connect error"}}\n\n')
    await x.end_stream()


async def _short_body(x: Exchange) -> None:
    await x.head(202, Content_Length="400")
    await x.raw(b'{"id": "5')


async def _dripping_head(x: Exchange) -> None:
    await x.raw(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(10_000):
        await x.raw(b"z")
        await asyncio.sleep(0.05)


async def _huge_body(x: Exchange) -> None:
    await x.answer(202, b'{"id": "' + b"x" * (9 * 2**20) + b'"}')


async def _bomb(x: Exchange) -> None:
    content = gzip.compress(b'{"a": "' + b" " * (64 * 2**20) + b'"}')
    await x.answer(202, content, Content_Encoding="gzip")


for _name, _story, _answer in (
    ("http_500", "Creates it and answers 500.", lambda x: x.json(500, {"error": {"message": "oops"}})),
    ("http_502_html", "Creates it and a proxy answers 502.", lambda x: x.answer(502, b"<html>Bad", "text/html")),
    ("http_503", "Creates it and answers 503.", lambda x: x.json(503, {})),
    ("http_504_empty", "Creates it and answers 504 with nothing.", lambda x: x.answer(504, b"")),
    ("http_408", "Creates it and answers 408.", lambda x: x.json(408, {})),
    ("reset_before_answer", "Creates it and resets the connection.", _reset),
    ("close_before_answer", "Creates it and closes the connection.", _close),
    ("reset_after_head", "Resets the connection after the headers.", _reset_after_head),
    ("ends_before_first_event", "Ends the stream before the first event.", _end_at_once),
    ("heartbeats_only", "Sends comments and ends.", _heartbeats_only),
    ("cut_first_event", "Cuts the first event in its middle.", _cut_first_event),
    ("nameless", "Streams stages without an id.", _nameless),
    ("error_event", "Streams an error instead of snapshots.", _error_event),
    ("short_body", "Promises 400 bytes and sends 9.", _short_body),
    ("html_200", "Answers 200 with a web page.", lambda x: x.answer(200, b"<html>Welcome", "text/html")),
    ("empty_202", "Answers 202 with nothing.", lambda x: x.answer(202, b"")),
    ("list_202", "Answers 202 with a list.", lambda x: x.answer(202, b"[]")),
    ("no_id_202", "Answers 202 without an id.", lambda x: x.json(202, {"status": "queued"})),
    ("hostile_id", "Names it by something that is no id.", lambda x: x.json(202, {"id": "../../admin?x=\n"})),
    ("huge_body", "Answers with 9 MiB.", _huge_body),
    ("bomb", "Answers with 64 MiB packed into 64 KiB.", _bomb),
    ("not_http", "Answers with something that is no HTTP.", lambda x: x.raw(b"SSH-2.0-OpenSSH_9.9\r\n")),
    ("wrong_type_stream", "Sends a stream of events as text/plain.",
     lambda x: x.answer(200, b'data: {"id": "x"}\n\n', "text/plain")),
):  # fmt: skip
    _add(_name, _story, recovered=True, on_post=_losing(_answer))
_add("hang_before_answer", "Takes the POST and never answers.", recovered=True, needs_patience=True,
     on_post=_losing(lambda x: x.hang()))  # fmt: skip
_add("dripping_head", "Sends its headers a byte at a time.", recovered=True, needs_patience=True,
     on_post=_losing(_dripping_head))  # fmt: skip


async def _duplicate(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
    api.plant(body, key=key, age_seconds=7200, scenario=scenario)
    await x.json(409, {"error": {"type": "conflict_error", "message": "Duplicate request"}})


_add("duplicate_409", "Refuses: the same request runs since two hours.", recovered=True, on_post=_duplicate)

# --- The answer is lost and nothing can be said with certainty ------------------------------------------------


async def _no_list(api: ScriptedClipApi, x: Exchange) -> None:
    del api
    await x.json(503, {})


async def _twice(api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario) -> None:
    for _ in range(2):
        api.new_generation(body, key, scenario)
    x.reset()


_add("lost_500", "Creates nothing and answers 500.", outcome="lost",
     on_post=_losing(lambda x: x.json(500, {}), creates=False))  # fmt: skip
_add("lost_reset", "Creates nothing and resets.", outcome="lost", on_post=_losing(_reset, creates=False))
_add("lost_409", "Refuses as a duplicate of nothing.", outcome="lost", on_post=_refusing(409, "", "Duplicate"))
_add("lost_without_list", "Creates it, resets, and has no list either.", outcome="lost", on_post=_losing(_reset),
     on_list=_no_list)  # fmt: skip
_add("lost_among_two", "Creates two that look the same, and resets.", outcome="lost", on_post=_twice)

# --- The stream goes wrong once the id is known ----------------------------------------------------------------

for _stage in ("queued", "downloading", "indexing", "preprocessing", "processing"):

    async def _cut(x: Exchange, generation: Generation, stage: str = _stage) -> None:
        await relay(x, generation, until=stage)
        x.reset()

    async def _ends(x: Exchange, generation: Generation, stage: str = _stage) -> None:
        await relay(x, generation, until=stage)
        await x.end_stream()

    _add(f"cut_at_{_stage}", f"Resets the stream at {_stage}.", on_post=_streaming(_cut))
    _add(f"ends_at_{_stage}", f"Ends the stream at {_stage}.", on_post=_streaming(_ends))


async def _truncated(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="indexing")
    await x.raw(b'4f\r\ndata: {"id": ')  # and the connection closes inside a chunk


async def _half_event(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="indexing")
    await x.piece(b'data: {"status": "completed", "outp')


async def _broken_json(x: Exchange, generation: Generation) -> None:
    for line in (b"data: {\n\n", b"data: nonsense\n\n", b"data: [1]\n\n", b"data: 7\n\n", b"data\n\n", b"data: {}\n\n"):
        await x.piece(line)
        await x.event(generation.snapshot())
        generation.advance()
    await relay(x, generation)
    await x.end_stream()


async def _garbage(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="downloading")
    while True:
        await x.piece(b"data: garbage\n\n")


async def _comments(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="downloading")
    while True:
        await x.piece(b": still here\n\n")
        await asyncio.sleep(0.05)


async def _silence(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="downloading")
    await x.hang()


async def _huge_event(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="processing")
    await x.event(generation.snapshot("processing", prompt="p" * 2**21))


async def _endless_line(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="processing")
    await x.piece(b"data: ")
    while True:
        await x.piece(b"x" * 65536)


async def _heartbeats(x: Exchange, generation: Generation) -> None:
    for stage in ("queued", "downloading", "processing"):
        generation.set_stage(stage)
        for _ in range(20):
            await x.event(generation.snapshot(stage))
            await x.piece(b": ping\n\n")
    await relay(x, generation)
    await x.end_stream()


async def _endless_after_end(x: Exchange, generation: Generation) -> None:
    await relay(x, generation)
    while True:
        await x.event(generation.snapshot("completed"))


async def _wrong_id(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="downloading")
    await x.event(generation.snapshot("failed", id="99999999-9999-4999-8999-999999999999", error="not yours"))
    await relay(x, generation)
    await x.end_stream()


async def _backwards(x: Exchange, generation: Generation) -> None:
    for stage in ("queued", "processing", "downloading", "queued", "indexing", "processing"):
        await x.event(generation.snapshot(stage))
    await x.event(generation.snapshot("completed"))
    generation.set_stage("completed")
    await x.end_stream()


async def _unknown_stages(x: Exchange, generation: Generation) -> None:
    for stage in ("queued", "transcribing", "processing", "polishing", "processing", "QUEUED", "uploading"):
        await x.event(generation.snapshot(stage))
    await x.event(generation.snapshot(" Completed "))
    generation.set_stage("completed")
    await x.end_stream()


async def _many_stages(x: Exchange, generation: Generation) -> None:
    for number in range(500):
        await x.event(generation.snapshot(f"stage {number}"))
    await relay(x, generation)
    await x.end_stream()


async def _long_texts(x: Exchange, generation: Generation) -> None:
    for number in range(6):
        await x.event(generation.snapshot(prompt=str(number) * 15_000))
        generation.advance()
    await x.end_stream()


async def _poor_events(x: Exchange, generation: Generation) -> None:
    await x.event({"id": generation.id})
    await x.event({"id": generation.id, "status": None})
    await x.event({"status": "processing"})
    await x.event({"id": generation.id, "status": "", "output": None, "hashtags": 7})
    generation.set_stage("processing")
    await x.event({"id": None, "status": "completed", "output": [None, 5, {"video_url": "https://x.example/a.mp4"}]})
    generation.set_stage("completed")
    await x.end_stream()


async def _after_the_end(x: Exchange, generation: Generation) -> None:
    await relay(x, generation)
    await x.event(generation.snapshot("failed", error="too late"))
    await x.event(generation.snapshot("processing"))
    await x.end_stream()


async def _bare_completion(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="processing")
    await x.event(generation.snapshot("completed", output=[]))
    await x.end_stream()


async def _all_of_sse(x: Exchange, generation: Generation) -> None:
    await x.piece(b"\xef\xbb\xbf: a comment\r\nretry: 10\r\nid: 7\r\n\r\n")
    for stage in ("queued", "downloading", "processing"):
        text = json.dumps(generation.snapshot(stage), indent=1)
        lines = "".join(f"data: {line}\r" for line in text.splitlines())
        await x.piece(f"event: {stage}\rid: {stage}\r{lines}\r".encode())
    done = f"data:{json.dumps(generation.snapshot('completed'))}\n\ndata: [DONE]\n\n".encode()
    generation.set_stage("completed")
    for byte in done:
        await x.piece(bytes([byte]))
    await x.piece(b"data: nothing to see\n\n")
    await x.end_stream()


async def _odd_text(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="processing")
    told = json.dumps(generation.snapshot("completed")).replace("The best moment", r"\ud800 \u202e\u0007 \ud83d\ude00")
    generation.set_stage("completed")
    await x.piece(b"data: " + told.encode()[:-1] + b', "prompt": "\xff\xfe"}\n\n')
    await x.end_stream()


async def _odd_numbers(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="processing")
    told = json.dumps(generation.snapshot("completed", num_generations=0, progress=0))
    told = told.replace('"num_generations": 0', f'"num_generations": {"9" * 400}').replace("85", "1e999")
    generation.set_stage("completed")
    told = told.replace('"progress": 0', '"progress": NaN')
    await x.piece(f"data: {told}\n\n".encode())
    await x.end_stream()


async def _deep(x: Exchange, generation: Generation) -> None:
    await relay(x, generation, until="downloading")
    await x.piece(b'data: {"id": ' + b"[" * 200_000 + b"\n\n")
    await relay(x, generation)
    await x.end_stream()


def _failing(**reason: Any) -> PostHandler:
    async def script(x: Exchange, generation: Generation) -> None:
        await relay(x, generation, until="downloading")
        generation.set_stage("failed", **reason)
        await x.event(generation.snapshot())
        await x.end_stream()

    return _streaming(script)


async def _numbers(x: Exchange, generation: Generation) -> None:
    for stage, share in (
        ("queued", 0),
        ("processing", 0.1),
        ("processing", 0.6),
        ("processing", 0.4),
        ("processing", 5),
    ):
        generation.set_stage(stage)
        await x.event(generation.snapshot(stage, progress=share))
    await relay(x, generation)
    await x.end_stream()


for _name, _story, _script in (
    ("truncated_chunk", "Breaks off inside a chunk.", _truncated),
    ("half_event", "Closes inside an event.", _half_event),
    ("broken_json", "Mixes its events with broken ones.", _broken_json),
    ("garbage_stream", "Sends nothing but garbage from a point on.", _garbage),
    ("huge_event", "Sends an event of 2 MiB.", _huge_event),
    ("endless_line", "Sends an event that never ends.", _endless_line),
    ("heartbeats", "Repeats each snapshot many times.", _heartbeats),
    ("endless_after_end", "Never stops saying completed.", _endless_after_end),
    ("wrong_id", "Tells of another generation in between.", _wrong_id),
    ("backwards", "Goes back and forth.", _backwards),
    ("unknown_stages", "Knows stages of its own.", _unknown_stages),
    ("many_stages", "Invents 500 stages.", _many_stages),
    ("long_texts", "Sends another long text with every stage.", _long_texts),
    ("poor_events", "Leaves out most fields, or sends the wrong types.", _poor_events),
    ("after_the_end", "Fails after it was completed.", _after_the_end),
    (
        "all_of_sse",
        "Uses comments, names, ids, retry, CR and CRLF, many data lines, single bytes, [DONE].",
        _all_of_sse,
    ),
    ("odd_text", "Sends lone surrogates, control characters and bytes that are no UTF-8.", _odd_text),
    ("odd_numbers", "Sends infinite, endless and undefined numbers.", _odd_numbers),
    ("deep_json", "Sends JSON nested 200,000 deep.", _deep),
    ("numbers", "Reports progress in numbers, not always rising.", _numbers),
):
    _add(_name, _story, on_post=_streaming(_script))
_add("plain_stream", "Streams without chunks, to the end of the connection.",
     on_post=_streaming(relay, chunked=False))  # fmt: skip
_add("comments_for_ever", "Sends comments for ever.", needs_patience=True, on_post=_streaming(_comments))
_add("silent_stream", "Falls silent after the second stage.", needs_patience=True, on_post=_streaming(_silence))
_add("failed", "Fails with error_message.", outcome="failed", on_post=_failing(error_message="No speech found"))
_add("failed_object", "Fails with an error object.", outcome="failed", on_post=_failing(error={"message": "No speech"}))
_add("failed_silently", "Fails without a word.", outcome="failed", on_post=_failing())


async def _json_for_stream(
    api: ScriptedClipApi, x: Exchange, key: str, body: dict[str, Any], scenario: Scenario
) -> None:
    await x.json(202, api.new_generation(body, key, scenario).snapshot())


_add("json_for_stream", "Answers a streaming POST with plain JSON.", on_post=_json_for_stream)

# --- Polling goes wrong ----------------------------------------------------------------------------------------


def _stumbling(*answers: Callable[[Exchange], Awaitable[None]]) -> GetHandler:
    """Answer the first GETs wrongly, one after the other, then properly."""

    async def get(api: ScriptedClipApi, x: Exchange, generation: Generation) -> None:
        if generation.gets <= len(answers):
            await answers[generation.gets - 1](x)
        else:
            await _normal_get(api, x, generation)

    return get


async def _big_caption(api: ScriptedClipApi, x: Exchange, generation: Generation) -> None:
    del api
    generation.set_stage("completed")
    clip = {"title": "t" * 2**20, "video_url": "https://cdn.example.com/a.mp4", "caption": "c" * 2**20}
    await x.json(200, generation.snapshot(output=[clip], prompt="p" * 2**20))


async def _late_output(api: ScriptedClipApi, x: Exchange, generation: Generation) -> None:
    del api
    generation.set_stage("completed")
    await x.json(200, generation.snapshot(**({} if generation.gets > 1 else {"output": []})))


async def _redirect_get(x: Exchange) -> None:
    await x.answer(302, b"", Location="http://127.0.0.1:9/login")


def _json(status: int, value: object) -> Callable[[Exchange], Awaitable[None]]:
    return lambda x: x.json(status, value)


_CUT = SCENARIOS["cut_at_downloading"].on_post
for _name, _story, _get in (
    ("get_500", "GET answers 500, 502, 503 first.", _stumbling(_json(500, {}), _json(502, {}), _json(503, {}))),
    ("get_429", "GET answers 429 first.", _stumbling(_json(429, {}), _json(429, {}))),
    ("get_404_first", "GET does not know it at first.", _stumbling(_json(404, {}), _json(404, {}))),
    ("get_reset", "GET is reset and closed first: the upstream restarts.", _stumbling(_reset, _close, _reset)),
    ("get_html", "GET shows a web page first.", _stumbling(lambda x: x.answer(200, b"<html>", "text/html"))),
    ("get_broken_json", "GET breaks off first.", _stumbling(lambda x: x.answer(200, b'{"id": '), _short_body)),
    (
        "get_wrong_id",
        "GET shows another generation first.",
        _stumbling(_json(200, {"id": "other", "status": "failed"})),
    ),
    ("get_backwards", "GET goes back first.", _stumbling(_json(200, {"status": "queued"}))),
    ("big_caption", "GET shows texts of 1 MB.", _big_caption),
    ("late_output", "GET says completed before the clips are there.", _late_output),
):
    _add(_name, _story, on_post=_CUT, on_get=_get)
_add(
    "bare_completion", "Says completed without clips in the stream; GET has them.", on_post=_streaming(_bare_completion)
)
_add("get_401", "The key is revoked while it runs.", outcome="refused", error="AuthenticationError", on_post=_CUT,
     on_get=_stumbling(*[_json(401, {"error": {"message": "revoked"}})] * 1000))  # fmt: skip
