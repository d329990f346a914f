"""Secrets to plant, and the hunt for them: as they are, and in the forms in which they would still be of use."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

SECRETS: dict[str, str] = {
    "REKA_API_KEY": "planted-reka-key-of-the-operator-7f3a",
    "REKA_CLIPS_AUTH_TOKEN": "planted-token-of-the-door-91bc-91bc-91bc",
    "REKA_CLIPS_SECRET": "planted-secret-that-signs-links-4d2e-4d2e-4d2e",
    "REKA_CLIPS_ENGINE_KEY": "planted-key-of-a-served-engine-c01d",
}
CALLERS_KEY = "planted-reka-key-of-a-caller-55aa"
PLANTED = (*SECRETS.values(), CALLERS_KEY)


def found_in(text: str | bytes, secrets: Iterable[str] = PLANTED) -> list[str]:
    """Return the secrets that a text or a file's content holds, also reversed, encoded or escaped."""
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return [secret for secret in secrets if any(form in content for form in _forms(secret))]


def found_below(folder: Path, secrets: Iterable[str] = PLANTED) -> list[str]:
    """Return the files below a folder that hold a secret, in their name or their content."""
    return [
        str(path)
        for path in folder.rglob("*")
        if found_in(str(path), secrets) or (path.is_file() and found_in(path.read_bytes(), secrets))
    ]


def arguments_of(pid: int) -> bytes:
    """Return the command line of a process and of all its children, as every user of the computer can read it."""
    if sys.platform != "linux":
        return b""
    tree = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return Path(f"/proc/{pid}/cmdline").read_bytes() + b"".join(arguments_of(int(child)) for child in tree)


def environment_of(pid: int) -> Mapping[bytes, bytes]:
    """Return the environment that a process was started with."""
    if sys.platform != "linux":
        return {}
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)


def _forms(secret: str) -> set[bytes]:
    plain = secret.encode()
    encoded = {base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)}
    return {plain, plain[::-1], plain.hex().encode(), quote(secret, safe="").encode(), *encoded}
