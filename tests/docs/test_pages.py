"""No block of code in the docs goes unchecked, no link leads nowhere, no setting is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it.token import Token

from documents import KINDS, ROOT, Block, blocks, pages, tokens
from reka_clips.settings import KNOWN_VARIABLES, VARIABLES
from reka_clips.variables import MEGABYTE, Variable, megabytes

README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
_ROW = re.compile(r"^\| `(REKA_\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_every_block_of_code_is_claimed_by_a_test(block: Block) -> None:
    kinds = ", ".join(KINDS)
    assert block.kind in KINDS, f"{block}: say in the line before it what tests it: <!-- KIND --> with one of {kinds}"


@pytest.mark.parametrize(("kind", "module"), KINDS.items())
def test_every_kind_has_a_test_that_reads_its_blocks(kind: str, module: str) -> None:
    assert re.search(rf'blocks\([^)]*"{kind}"', (ROOT / module).read_text())
    assert blocks(kind), f"no block is of the kind {kind} any more"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\bREKA_(?:API_KEY|BASE_URL|CLIPS_[A-Z_]*[A-Z])\b", page.read_text()))
    assert named <= KNOWN_VARIABLES | {"REKA_CLIPS_TESTS_ALL"}


def test_the_page_of_settings_has_each_with_its_default_and_meaning() -> None:
    rows = {name: (default, meaning) for name, default, meaning in _ROW.findall(SETTINGS.read_text())}
    assert list(rows) == [variable.name for variable in VARIABLES]
    for variable in VARIABLES:
        default, meaning = rows[variable.name]
        assert meaning.startswith(variable.about), variable.name
        if not callable(variable.default) and variable.default not in (None, ()):
            assert default.strip("`") == in_environment(variable), variable.name


def in_environment(variable: Variable) -> str:
    """Return a default as one would write it in the environment."""
    value = variable.default
    if isinstance(value, bool):
        return str(int(value))
    if variable.parse is megabytes:
        assert isinstance(value, int)
        return str(value // MEGABYTE)
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_readme_tells_of_settings_what_their_own_page_tells() -> None:
    rows = _ROW.findall(README.read_text())
    assert len(rows) >= 5
    assert set(rows) <= set(_ROW.findall(SETTINGS.read_text()))


def test_what_the_troubleshooting_quotes_is_what_the_program_says() -> None:
    said = re.sub(r'"\s*f?"', "", " ".join(path.read_text() for path in (ROOT / "server").rglob("*.py")))
    said = re.sub(r'"\s*\n?\s*f?"', "", said)
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r'^\d+\. \*\*"(.+?)"', page, re.MULTILINE)
    assert len(quoted) >= 3
    for sentence in quoted:
        assert sentence in said, f"nothing in server/ says: {sentence}"


@pytest.mark.parametrize("block", blocks("layout"), ids=str)
def test_a_layout_names_what_is_there(block: Block) -> None:
    folders: dict[int, Path] = {}
    for line in block.text.splitlines():
        indent = len(line) - len(line.lstrip())
        names = re.split(r"  +", line.strip())[0].split(", ")
        parent = next((folder for depth, folder in sorted(folders.items(), reverse=True) if depth < indent), ROOT)
        for name in names:
            assert (parent / name).exists(), f"{block}: there is no {parent / name}"
        folders = {depth: folder for depth, folder in folders.items() if depth < indent}
        folders[indent] = parent / names[0]


def links(page: Path) -> list[str]:
    """Return the targets of all links and pictures of a page."""
    found: list[str] = []
    for token in walked(tokens(page)):
        if token.type in ("link_open", "image"):
            found.append(str(token.attrs.get("href") or token.attrs.get("src")))
        elif token.type.startswith("html"):
            found += re.findall(r'(?:src|href)="([^"]+)"', token.content)
    return found


def walked(found: list[Token]) -> list[Token]:
    return [one for token in found for one in [token, *walked(token.children or [])]]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the code host makes them."""
    every = tokens(page)
    headings = [every[at + 1].content for at, token in enumerate(every) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
