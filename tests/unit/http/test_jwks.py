"""Where an issuer's metadata is looked for."""

from reka_clips.mcp_server.http.oauth import metadata_urls


def test_metadata_is_looked_for_in_all_the_places_that_standards_name():
    assert metadata_urls("https://issuer.example/tenant/1/") == (
        "https://issuer.example/.well-known/oauth-authorization-server/tenant/1",
        "https://issuer.example/tenant/1/.well-known/openid-configuration",
        "https://issuer.example/.well-known/openid-configuration/tenant/1",
    )
    assert metadata_urls("https://issuer.example")[1] == "https://issuer.example/.well-known/openid-configuration"
