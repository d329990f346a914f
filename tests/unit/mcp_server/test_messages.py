"""What is answered to a text that holds no message: an error for each request whose id can be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.jsonrpc import JSONRPCNotification, JSONRPCRequest

from reka_clips.mcp_server.messages import UnreadableMessageError, read_message

PING = '{"jsonrpc": "2.0", "id": 7, "method": "ping"}'


@pytest.mark.parametrize("text", [PING, "\ufeff" + PING, f"  {PING}\r\n", PING.replace("7", '"7"')])
def test_a_request_is_read(text: str):
    message = read_message(text)
    assert isinstance(message, JSONRPCRequest)
    assert str(message.id) == "7"


def test_a_notification_may_speak_of_ids():
    text = '{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"id": 1, "requestId": 2}}'
    assert isinstance(read_message(text), JSONRPCNotification)


@pytest.mark.parametrize("text", ["", "\n", " \r\n", "\ufeff\n"])
def test_a_blank_line_is_passed_over(text: str):
    assert read_message(text) is None


@pytest.mark.parametrize(
    ("text", "code", "ids", "words"),
    [
        ("garbage", -32700, [None], "not JSON"),
        ("{", -32700, [None], "not JSON"),
        ("\ufffd\ufffd" + "\0".join(PING), -32700, [None], "not in UTF-8"),
        ("[" * 100_000, -32700, [None], "not JSON"),
        (PING + PING.replace("7", "8"), -32700, [7, 8], "one message"),
        (PING + " and more", -32700, [7], "one message"),
        ("5", -32600, [None], "must be a JSON object"),
        ("null", -32600, [None], "must be a JSON object"),
        ("[]", -32600, [None], "Batches"),
        (f"[{PING}]", -32600, [7], "Batches"),
        (f'[{PING}, 1, {PING.replace("7", "8")}, {{"jsonrpc": "2.0", "method": "x"}}]', -32600, [7, 8], "Batches"),
        (PING.replace("}", ', "params": []}'), -32600, [7], "`params`"),
        (PING.replace("}", ', "params": "{}"}'), -32600, [7], "`params`"),
        (PING.replace("7", "null"), -32600, [None], "`id`"),
        (PING.replace("7", "1.0"), -32600, [1.0], "`id`"),
        (PING.replace("7", "1.5"), -32600, [1.5], "`id`"),
        (PING.replace("7", "true"), -32600, [None], "`id`"),
        (PING.replace("7", "[7]"), -32600, [None], "`id`"),
        (PING.replace("7", "NaN"), -32600, [None], "`id`"),
        (PING.replace("7", "1" + "0" * 5000), -32700, [None], "not JSON"),
        (PING.replace('"jsonrpc": "2.0", ', ""), -32600, [7], "jsonrpc"),
        (PING.replace("2.0", "1.0"), -32600, [7], "jsonrpc"),
        (PING.replace('"ping"', "5"), -32600, [7], "`method`"),
        (PING.replace('"ping"', r'"\ud800"'), -32600, [7], "Unicode"),
        (PING.replace("}", r', "params": {"a": "\udc00"}}'), -32600, [7], "Unicode"),
        ('{"jsonrpc": "2.0", "id": 3, "result": []}', -32600, [], ""),
        ('{"jsonrpc": "2.0", "id": null, "error": {}}', -32600, [], ""),
    ],
)
def test_what_cannot_be_read_is_answered(text: str, code: int, ids: list[object], words: str):
    with pytest.raises(UnreadableMessageError) as caught:
        read_message(text)
    answers = [json.loads(answer) for answer in caught.value.answers]
    assert [answer["id"] for answer in answers] == ids
    assert all(type(answer["id"]) is type(identity) for answer, identity in zip(answers, ids, strict=True))
    for answer in answers:
        assert answer["jsonrpc"] == "2.0"
        assert answer["error"]["code"] == code
        assert words in answer["error"]["message"]


def test_an_answer_is_no_longer_than_it_must_be():
    with pytest.raises(UnreadableMessageError) as caught:
        read_message("[" + ",".join([PING] * 5000) + "]")
    assert len(caught.value.answers) <= 50
    with pytest.raises(UnreadableMessageError) as caught:
        read_message(PING.replace("7", f'"{"x" * 1_000_000}"').replace("2.0", "3"))
    assert len("".join(caught.value.answers)) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"]) | st.text(max_size=3),
            values | st.just("2.0"),
            max_size=5,
        )
    ),
)


@given(st.text(max_size=40) | JSON.map(json.dumps))
def test_every_text_is_read_or_answered(text: str):
    try:
        read_message(text)
    except UnreadableMessageError as error:
        for answer in error.answers:
            assert "\n" not in answer
            assert json.loads(answer)["error"]["code"] in (-32700, -32600)
