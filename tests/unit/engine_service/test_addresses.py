"""Which addresses count as public. Ranges from IANA's special-purpose registries."""

from __future__ import annotations

import pytest

from reka_clips.download.ssrf import is_public

PUBLIC = ["8.8.8.8", "1.1.1.1", "151.101.1.69", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::8a"]
PUBLIC_INSIDE = ["::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"],
    "link-local, with the cloud's metadata service": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "this network": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104 - nothing is bound here
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255"],
    "protocol assignments": ["192.0.0.8", "192.0.0.170", "192.88.99.1"],
    "private inside IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1"],
    "private inside NAT64": ["64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"],
    "inside 6to4, Teredo and IPv4-compatible": ["2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "::127.0.0.1"],
    "site-local": ["fec0::1"],
    "no address": ["", "localhost", "127.1", "0x7f.1", "2130706433", "1.2.3.4.5", "8.8.8.8 ", "1.1.1.1/32"],
}


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_INSIDE])
def test_a_public_address_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, many in NOT_PUBLIC.items() for one in many])
def test_any_other_address_may_not(kind: str, address: str) -> None:
    assert not is_public(address), kind
