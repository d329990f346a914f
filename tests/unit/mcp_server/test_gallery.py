"""The page of the gallery as a document, and the origins that it declares."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest

from reka_clips.mcp_server.extensions.gallery.extension import origin_of
from reka_clips.mcp_server.extensions.gallery.page import html
from reka_clips.mcp_server.resources import MAX_VIDEO_BYTES

PAGE = html(saves_files=True)
MAX_PAGE_BYTES = 64 * 1024  # it is sent to the host with each conversation that shows clips


def part(tag: str) -> str:
    found = re.search(rf"<{tag}[^>]*>(.*)</{tag}>", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_stays_small():
    assert len(PAGE.encode()) < MAX_PAGE_BYTES


def test_the_policy_lets_the_two_parts_of_the_page_run_and_nothing_else():
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', PAGE)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        digest = base64.b64encode(hashlib.sha256(part(tag).encode()).digest()).decode()
        assert rules[directive] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy[1]


def test_the_page_names_no_address_to_load_from():
    assert set(re.findall(r"https?://[\w./]+", PAGE)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|<link|\bsrc=", PAGE)


@pytest.mark.parametrize(
    "way",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function", "setHTML"],
)
def test_nothing_in_the_page_reads_markup_or_compiles_text(way: str):
    assert way not in PAGE


def test_the_page_knows_the_documented_limits_of_its_server():
    assert f"const PLAYABLE_BYTES = {MAX_VIDEO_BYTES};" in PAGE
    assert "const SAVES_FILES = true;" in PAGE
    assert "const SAVES_FILES = false;" in html(saves_files=False)


def test_every_source_of_the_page_is_used():
    sources = [path.name for path in files("reka_clips.mcp_server.extensions.gallery").joinpath("page").iterdir()]
    for name in sources:
        if name.endswith((".js", ".css")):
            text = files("reka_clips.mcp_server.extensions.gallery").joinpath("page", name).read_text(encoding="utf-8")
            if name.endswith(".js"):  # lines that are comments do not go to the host
                text = re.sub(r"^\s*(?://|/\*\*|\*).*\n", "", text, flags=re.MULTILINE)
            assert text in PAGE, name


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://cdn.example.com/a.mp4?x=1", "https://cdn.example.com"),
        ("HTTP://CDN.example.com:8080/a", "http://cdn.example.com:8080"),
        ("http://[::1]:9/a", "http://[::1]:9"),
        ("https://user:secret@cdn.example.com/a", "https://cdn.example.com"),
        ("file:///a.mp4", None),
        ("javascript:alert(1)", None),
        ("https://a.example; script-src *", None),
        ("https://*.example/", None),
        ("https://a b/", None),
        ("https://", None),
        ("https://a:99999/", None),
        ("", None),
    ],
)
def test_an_origin_is_a_plain_host_or_nothing(url: str, origin: str | None):
    assert origin_of(url) == origin
