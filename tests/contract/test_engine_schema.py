"""The engine's HTTP face against its own OpenAPI document, by schemathesis: nothing it answers may surprise.

A few requests per operation and check by default; `make fuzz` sends thousands.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from command.process import environment
from engine_openapi import document

EXAMPLES = int(os.environ.get("REKA_CLIPS_FUZZ_EXAMPLES", "20"))
KEY = "key-of-this-test"

pytestmark = pytest.mark.timeout(60 + EXAMPLES * 10)


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the engine as a process of its own. The links that are made up lead nowhere: to a proxy that is none."""
    data_dir = tmp_path_factory.mktemp("engine")
    nowhere = "http://127.0.0.1:9"
    variables = {
        "REKA_CLIPS_ENGINE_KEY": KEY,
        "REKA_CLIPS_ENGINE_QUEUE": "1000",
        "REKA_CLIPS_LOG_LEVEL": "ERROR",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere),
    }
    command = [sys.executable, "-m", "reka_clips", "--data-dir", str(data_dir), "engine", "--port", "0"]
    log = data_dir / "log.txt"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(variables)
        ) as process,
    ):
        assert process.stdout is not None
        said = re.search(r"http://\S+", process.stdout.readline())
        assert said, log.read_text()
        try:
            yield said.group()
            assert process.poll() is None, "it still runs"
        finally:
            process.terminate()
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()


schema = schemathesis.openapi.from_dict(document("1"))


@schema.parametrize()
@settings(max_examples=EXAMPLES)
def test_every_answer_is_as_the_document_says(case: Any, engine_url: str) -> None:
    case.call_and_validate(
        base_url=engine_url,
        headers={"X-Api-Key": KEY},
        # Rules between fields, and what the engine does not do, cannot be told in a schema.
        excluded_checks=[positive_data_acceptance],
    )
