"""How one environment variable is read: what it may hold, and what its text becomes."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

MIN_SECRET_CHARACTERS: Final = 32
MEGABYTE: Final = 1024 * 1024

_ON: Final = ("1", "true", "yes", "on")
_OFF: Final = ("0", "false", "no", "off")
# What a client leaves where it had no value to fill in: that alone counts as not set, quietly.
_UNFILLED: Final = re.compile(r"\$\{.*\}")
# What shells, templates and examples leave besides: $X, {env:X}, {{X}}, %X%, <X>, and JavaScript's words for nothing.
_PLACEHOLDER: Final = re.compile(
    r"\$\{.*\}|\$[A-Za-z_]\w*|\{\w+:.*\}|\{\{.*\}\}|%\w+%|<[^<>]*>|undefined|null", re.IGNORECASE | re.ASCII
)

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._~/-]*")

T = TypeVar("T")


def is_unfilled(value: str) -> bool:
    """Return whether this is a `${…}`, which clients leave where the user gave no value."""
    return _UNFILLED.fullmatch(value) is not None


def is_placeholder(value: str) -> bool:
    """Whether this is a placeholder such as `${REKA_API_KEY}` or `<your key>`, left where a value was meant."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


@dataclass(frozen=True, slots=True)
class Variable:
    """How one environment variable is read, and what the docs say about it.

    parse: turns its text into the value, or raises ValueError with the end of a sentence ("must be …").
    default: the value, or a function that finds it out. about: a sentence or two of Markdown.
    """

    name: str
    parse: Callable[[str], object]
    default: object
    about: str

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return self.parse in (header_word, long_secret)

    def fallback(self) -> object:
        """Return the value to use instead of an invalid one: whatever opens nothing to anybody."""
        if self.parse is switch:
            return False
        if self.parse is guard:
            return True
        if self.name == "REKA_CLIPS_BACKEND":
            return None  # no choice is safe here: the first call explains what is wrong
        return self.default() if callable(self.default) else self.default


def setting(name: str, parse: Callable[[str], T], default: T | Callable[[], T], about: str) -> T:
    """Declare a field of `Settings`; see `Variable`."""
    variable = Variable(name, parse, default, about)
    how: dict[str, Any] = {"default_factory" if callable(default) else "default": default}
    return field(**how, repr=not variable.is_secret, metadata={"variable": variable})


def switch(value: str) -> bool:
    """Parse a switch. Takes a closed set of words, since a misspelt one must not open anything."""
    if value.lower() not in (*_ON, *_OFF):
        raise ValueError("must be 1 or 0 (or true, yes, on, false, no, off)")
    return value.lower() in _ON


def guard(value: str) -> bool:
    """Parse a switch that protects the user. One that cannot be read is on."""
    return switch(value)


def one_of(*choices: str) -> Callable[[str], Any]:
    """Return a parser of one of these words, in any case."""
    known = {choice.lower(): choice for choice in choices}

    def parse(value: str) -> str:
        if value.lower() not in known:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return known[value.lower()]

    return parse


def seconds(lowest: float, highest: float) -> Callable[[str], float]:
    """Return a parser of a number of seconds."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not lowest <= number <= highest:
            raise ValueError(f"must be a number of seconds from {lowest:g} to {highest:g}")
        return number

    return parse


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a parser of a whole number."""

    def parse(value: str) -> int:
        number = int(value) if value.isascii() and value.isdigit() and len(value) < len(str(highest)) + 3 else -1
        if not lowest <= number <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return number

    return parse


def megabytes(value: str) -> int:
    """Return a number of megabytes as bytes."""
    return whole(0, 100_000_000)(value) * MEGABYTE


def word_list(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def header_word(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be one word of plain characters, as it is sent in a header")
    return value


def long_secret(value: str) -> str:
    if len(value) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"must have at least {MIN_SECRET_CHARACTERS} characters, randomly generated")
    return value


def public_address(value: str) -> str:
    """Return a scheme, a host, perhaps a port and a path; scheme and host in lower case, as a browser sends them."""
    url = value.rstrip("/")
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    is_plain = _PLAIN_PATH.fullmatch(path) is not None and not any(sign in authority for sign in "@?#")
    if scheme.lower() not in ("http", "https") or not host_of(url) or not is_plain:
        raise ValueError("must be an address such as https://clips.example or https://example.com/clips")
    return f"{scheme}://{authority}".lower() + slash + path


def https_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    host = host_of(value)
    if not host or "@" in rest or "#" in rest:
        raise ValueError("must be an https address")
    if scheme.lower() != "https" and not (scheme.lower() == "http" and is_loopback(host)):
        raise ValueError("must start with https://")
    return value


def http_address(value: str) -> str:
    url = value.rstrip("/")
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not host_of(url) or "@" in rest:
        raise ValueError("must be an http(s) address without user name or password, such as https://clips.example")
    return url


def folder_path(value: str) -> Path:
    try:
        path = Path(value).expanduser()
    except RuntimeError:  # ~ without a home folder, ~name without such a user
        raise ValueError("names a home folder that cannot be determined") from None
    if not path.is_absolute() or "\0" in value:
        raise ValueError("must be an absolute path")
    return path


def folder_paths(value: str) -> tuple[Path, ...]:
    return tuple(folder_path(part) for part in value.split(os.pathsep) if part)


def program_name(value: str) -> str:
    """A name to look up on PATH, or a path; `~` is expanded."""
    return os.path.expanduser(value)  # noqa: PTH111 - never raises; a bare name must stay one


def is_loopback(host: str) -> bool:
    """Return whether a name or address, with or without brackets, is that of this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def unquoted(value: str) -> str:
    """Return the value without the quotes that some tools leave around what stands in an .env file."""
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if is_quoted else value
