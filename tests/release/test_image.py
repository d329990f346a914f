"""The image and the team's compose file, as far as that goes without a container engine.

hadolint reads the Dockerfile; its install steps run in a scratch folder; what the container starts is started. That two
servers behind the proxy work is tested in tests/e2e/network/test_scale_out.py, with the configuration compose mounts.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from command import CommandProcess, free_port
from documents import Block, blocks
from release.scratch import ROOT, run

pytestmark = pytest.mark.timeout(600)

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
TOKEN = "door-0123456789abcdef0123456789"  # noqa: S105 - of the test's own door
VARIABLES = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def stages() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of each stage, by its name."""
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in DOCKERFILE.read_text().replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            current = found[rest.split(" AS ")[1]] = [(word, rest)]
        elif word.isupper():
            current.append((word, " ".join(rest.split())))
    return found


def test_hadolint_finds_nothing_to_say() -> None:
    said = run(
        str(Path(sys.executable).with_name("hadolint")), "--failure-threshold", "style", str(DOCKERFILE), folder=ROOT
    )
    assert said == ""


def test_the_image_has_a_stage_for_each_backend_none_of_which_runs_as_root() -> None:
    found = stages()
    assert list(found)[-1] == "local", "what is built without --target is the one with the engine"
    assert ("ENV", "REKA_CLIPS_BACKEND=reka") in found["reka"]
    for name in ("reka", "local"):
        assert found[name][0][1].startswith("base AS")
        assert not any(word == "USER" for word, _ in found[name])
    (user,) = [rest for word, rest in found["base"] if word == "USER"]
    assert int(user) > 0


def test_the_steps_of_the_build_run_on_what_is_copied_into_it(tmp_path: Path) -> None:
    """Each COPY and RUN of both build stages, with the image's folders moved below a scratch folder."""
    for name, copied in (("build", True), ("build-local", False)):
        for word, rest in stages()[name]:
            if word == "COPY":
                assert copied
                *sources, target = shlex.split(rest)
                for source in sources:
                    assert is_sent(source), f"{source} is not sent to the build: see .dockerignore"
                    place = tmp_path / "src" / target
                    place.mkdir(parents=True, exist_ok=True)
                    if (ROOT / source).is_dir():
                        shutil.copytree(
                            ROOT / source, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
                        )
                    else:
                        shutil.copy(ROOT / source, place)
            elif word == "RUN":
                (tmp_path / "src").mkdir(exist_ok=True)
                line = rest.replace("/opt/venv", str(tmp_path / "venv")).replace(
                    "python -m venv", f"{sys.executable} -m venv"
                )
                run("bash", "-euo", "pipefail", "-c", line, folder=tmp_path / "src")
        has_ffmpeg = any((tmp_path / "venv").rglob("imageio_ffmpeg"))
        assert has_ffmpeg is (name == "build-local")
        told = run(str(tmp_path / "venv" / "bin" / "reka-clips-mcp"), "--version", folder=tmp_path)
        assert told.startswith("reka-clips-mcp ")


def test_the_container_starts_answers_its_health_check_and_refuses_to_start_unguarded(tmp_path: Path) -> None:
    base = dict(stages()["base"])
    port = str(free_port())
    words = [word.replace("8000", port) for word in json_list(base["CMD"])]
    assert json_list(base["ENTRYPOINT"]) == ["reka-clips-mcp"]
    settings = {"REKA_CLIPS_DATA_DIR": str(tmp_path), "REKA_CLIPS_SHARE_ENGINE": "1"}
    with CommandProcess(*words, **settings) as unguarded:
        assert unguarded.wait(60) == 2
        assert "REKA_CLIPS_AUTH_TOKEN" in unguarded.log
    check = base["HEALTHCHECK"].partition("CMD ")[2].replace("8000", port)
    with CommandProcess(*words, REKA_CLIPS_AUTH_TOKEN=TOKEN, **settings) as guarded:
        assert guarded.url.endswith(port)
        ended = subprocess.run([sys.executable, *json_list(check)[1:]], check=False, timeout=60)
        assert ended.returncode == 0
    ended = subprocess.run([sys.executable, *json_list(check)[1:]], check=False, timeout=60, stderr=subprocess.DEVNULL)
    assert ended.returncode != 0, "a server that is gone counts as healthy"


@pytest.mark.parametrize("block", blocks("image"), ids=str)
def test_what_the_docs_say_of_containers_names_stages_and_settings_that_exist(block: Block) -> None:
    for line in block.commands:
        words = shlex.split(line)
        assert words[0] in ("docker", "export")
        if "--target" in words:
            assert words[words.index("--target") + 1] in stages()
    names = {name for name, kind, _ in variables() if kind == "?"}
    if "compose" in block.text:
        assert all(f"{name}=" in block.text for name in names)


def test_compose_starts_two_servers_alike_and_a_proxy_that_waits_for_both() -> None:
    services = COMPOSE["services"]
    servers = [name for name, service in services.items() if service.get("build")]
    assert len(servers) == 2
    assert services[servers[0]] == services[servers[1]]
    assert set(services["proxy"]["depends_on"]) == set(servers)
    assert {name for name, kind, _ in variables() if kind == "?"} == {
        "REKA_CLIPS_AUTH_TOKEN", "REKA_CLIPS_SECRET", "REKA_CLIPS_PUBLIC_URL",
    }  # fmt: skip
    source, target, _ = services["proxy"]["volumes"][0].split(":")
    assert target == "/etc/nginx/nginx.conf"
    assert "http {" in (ROOT / source).read_text(), "mounted as the whole configuration"
    addresses = re.findall(r"^ +server (\w+):8000\b", (ROOT / source).read_text(), re.MULTILINE)
    assert addresses == servers
    assert services["proxy"]["ports"] == ["8000:8000"]
    assert "listen 8000;" in (ROOT / source).read_text()


def variables() -> set[tuple[str, str, str]]:
    """Return the variables that compose.yaml asks for: name, "?" (needed) or "-" (with a default), words."""
    return set(VARIABLES.findall((ROOT / "compose.yaml").read_text()))


def json_list(text: str) -> list[str]:
    found = yaml.safe_load(text)
    assert isinstance(found, list)
    return found


def is_sent(source: str) -> bool:
    """Whether .dockerignore, which leaves out all but what it names, lets a file into the build."""
    lines = (ROOT / ".dockerignore").read_text().split()
    assert "*" in lines
    return f"!{source.removeprefix('./')}" in lines
