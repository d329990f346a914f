"""Every state of the gallery, in a real browser, in front of the real server: for all eyes, ears and columns."""

from __future__ import annotations

import pytest

from gallery_host import App
from gallery_host.scenes import COMPLAINTS, SCENES, Set


@pytest.mark.parametrize("name", SCENES)
def test_a_state_reads_well_in_either_theme_and_in_a_narrow_column(stage: Set, app: App, name: str):
    SCENES[name](stage, app)
    for theme, width in (("light", 760), ("dark", 320)):
        app.look(theme=theme, width=width)
        assert app.serious_issues() == []
        assert app.overflow_px() <= 0
        assert app.inside.locator(".icon path").count() == app.inside.locator(".icon").count()
    assert app.log("errors") == [], "the host understood every message"
    assert [problem for problem in app.problems if COMPLAINTS.get(name, "none") not in problem] == []
