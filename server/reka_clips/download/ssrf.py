"""Which network addresses a link of a stranger may lead to: public ones only. Pure; nothing is resolved here."""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Reach private or special hosts although the standard library calls them global.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.88.99.0/24",  # 6to4 relays, deprecated by RFC 7526
        "2002::/16",  # 6to4: any IPv4 address inside, RFC 3056
        "2001::/32",  # Teredo: the same, RFC 4380
        "fec0::/10",  # site-local, deprecated by RFC 3879
        "::/96",  # IPv4-compatible, deprecated by RFC 4291
    )
)


def is_public(text: str) -> bool:
    """Whether an IPv4 or IPv6 address, as text, is one of the public internet.

    Not public: private, loopback, link-local, carrier-grade NAT, multicast, reserved, documentation and
    unspecified ranges, those inside an IPv4-mapped or NAT64 address, and text that is no address.
    Source: IANA's special-purpose registries as in `ipaddress`, and the list above.
    """
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
