"""One server, one Clip API and one Chromium for all tests of the gallery: a start is not cheap.

They are put away before the next folder's tests: Playwright holds this thread's event loop for as long as it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gallery_host import App, missing
from gallery_host.scenes import Set, opened


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    lack = missing()
    if lack:
        pytest.skip(f"the gallery cannot be shown: {lack}")
    with opened(tmp_path_factory.mktemp("gallery")) as everything:
        yield everything


@pytest.fixture(scope="package")
def shared(stage: Set) -> Iterator[App]:
    with stage.app() as app:
        yield app


@pytest.fixture
def app(shared: App) -> App:
    """The host's page, connected to the server; the app is not open yet. One page for all: a connection is not cheap."""
    shared.reset()
    return shared
