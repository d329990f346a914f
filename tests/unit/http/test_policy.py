"""Who is let in, by address and settings."""

from __future__ import annotations

import dataclasses

import pytest

from reka_clips.mcp_server.context import Access
from reka_clips.mcp_server.http.policy import policy_for
from reka_clips.settings import Settings
from reka_clips.variables import is_loopback

TOKEN = "t" * 32


def policy(*, host: str | None = "0.0.0.0", **changes: object):  # noqa: S104 - not bound
    settings = dataclasses.replace(Settings.from_environment({}), **changes)  # type: ignore[arg-type]
    return policy_for(settings, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]", "127.8.9.1"])
def test_loopback_addresses_need_no_door(host: str):
    assert is_loopback(host)
    rules = policy(host=host)
    assert rules.refusal is None
    assert not rules.exposed
    assert rules.access == Access(own_key=True, engine=True, files=False)


@pytest.mark.parametrize("known", [{"auth_token": TOKEN}, {"trust_local_users": True}])
def test_files_are_for_callers_who_are_known_to_be_the_operator(known: dict[str, object]):
    """Every user of a machine reaches its loopback addresses."""
    assert policy(host="127.0.0.1", **known).access.files
    assert policy(host="127.0.0.1", **known).notices == ()
    assert not policy(host="192.168.1.5", **{"auth_token": TOKEN} | known).access.files
    (notice,) = policy(host="127.0.0.1").notices
    assert "REKA_CLIPS_AUTH_TOKEN" in notice
    assert "--trust-local-users" in notice


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "clips.example", None])  # noqa: S104 - not bound
def test_any_other_address_without_a_door_is_refused_with_what_to_do(host: str | None):
    rules = policy(host=host)
    assert rules.exposed
    assert rules.refusal is not None
    assert "REKA_CLIPS_AUTH_TOKEN" in rules.refusal
    assert "--allow-unauthenticated" in rules.refusal


def test_an_open_door_must_be_wanted_and_then_shares_nothing():
    rules = policy(allow_unauthenticated=True, api_key="k")
    assert rules.refusal is None
    assert rules.access == Access(own_key=False, engine=False, files=False)


def test_a_door_shares_the_operators_key_but_not_the_machine():
    rules = policy(auth_token=TOKEN, api_key="k")
    assert rules.refusal is None
    assert rules.access == Access(own_key=True, engine=False, files=False)


@pytest.mark.parametrize("shared", [True, False])
def test_what_the_operator_says_about_sharing_holds_everywhere(shared: bool):
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - not bound
        rules = policy(host=host, auth_token=TOKEN, share_key=shared, share_engine=shared)
        assert (rules.access.own_key, rules.access.engine) == (shared, shared)


@pytest.mark.parametrize("names", [{"public_url": "https://clips.example"}, {"allowed_hosts": ("clips.example",)}])
def test_a_public_name_makes_a_loopback_server_one_for_others(names: dict[str, object]):
    rules = policy(host="127.0.0.1", **names)
    assert rules.exposed
    assert rules.refusal is not None
    assert policy(host="127.0.0.1", auth_token=TOKEN, **names).refusal is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REKA_CLIPS_OAUTH_ISSUER", "http://issuer.example"),
        ("REKA_CLIPS_OAUTH_JWKS_URL", "ftp://issuer.example/keys"),
        ("REKA_CLIPS_AUTH_TOKEN", "two words"),
        ("REKA_CLIPS_PUBLIC_URL", "https://clips.example/path?query"),
        ("REKA_CLIPS_SECRET", "short"),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - not bound
def test_a_guard_that_was_set_wrongly_never_leaves_the_door_open(variable: str, value: str, host: str):
    settings = Settings.from_environment({variable: value, "REKA_CLIPS_ALLOW_OPEN_DOOR": "1"})
    rules = policy_for(settings, host=host)
    assert rules.refusal is not None
    assert rules.refusal.startswith(variable)
    assert value not in rules.refusal


def test_oauth_needs_the_public_address():
    rules = policy(oauth_issuer="https://issuer.example")
    assert rules.refusal is not None
    assert "REKA_CLIPS_PUBLIC_URL" in rules.refusal
    assert policy(oauth_issuer="https://issuer.example", public_url="https://clips.example").refusal is None


def test_names_that_are_let_in():
    rules = policy(
        host="192.168.1.5", public_url="https://clips.example", allowed_hosts=("a.example", "b.example:8443")
    )
    assert {"192.168.1.5:*", "clips.example", "a.example", "a.example:*", "b.example:8443"} <= set(rules.hosts)
    assert "b.example:8443:*" not in rules.hosts
    assert {"127.0.0.1:*", "localhost:*", "[::1]:*"} <= set(rules.hosts)
    assert "[fe80::1]:*" in policy(host="fe80::1").hosts


def test_pages_of_this_computer_are_let_in_only_where_it_is_the_only_one_to_call():
    assert "http://localhost:*" in policy(host="127.0.0.1").origins
    rules = policy(auth_token=TOKEN, public_url="https://clips.example", allowed_origins=("https://app.example",))
    assert rules.origins == ("https://app.example", "https://clips.example")


def test_the_operator_is_told_what_will_not_work():
    assert any("X-Reka-API-Key" in notice for notice in policy(auth_token=TOKEN).notices)
    assert any("guessed" in notice for notice in policy(auth_token="t" * 3).notices)
    assert any("REKA_CLIPS_ALLOWED_HOSTS" in notice for notice in policy(auth_token=TOKEN).notices)
    assert any("REKA_CLIPS_SECRET" in notice for notice in policy(auth_token=TOKEN, share_engine=True).notices)


def test_no_notice_holds_a_secret():
    rules = policy(auth_token=TOKEN[:9], api_key="my-reka-key", secret="s" * 32)
    assert not any(secret in notice for notice in rules.notices for secret in (TOKEN[:9], "my-reka-key", "s" * 32))
