#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes databases in MaxMind's format (MMDB 2.0, https://maxmind.github.io/MaxMind-DB/), for tests.

    network_database.py FILE TYPE BLOCK=VALUE...

TYPE is the database's type, "Test-Country" or "Test-ASN": a value is a country's code or a number."""

import ipaddress
import struct
import sys

RECORD_BITS = 32
MARKER = b"\xab\xcd\xefMaxMind.com"


def head(kind, size):
    """The control bytes of a field: fields here are short."""
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])


def encoded(value):
    if isinstance(value, str):
        return head(2, len(value.encode())) + value.encode()
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return head(6 if len(raw) <= 4 else 9, len(raw)) + raw
    if isinstance(value, list):
        return head(11, len(value)) + b"".join(map(encoded, value))
    return head(7, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())


def database(kind, entries):
    """The bytes of a database of type `kind`: block of addresses -> value (a dict)."""
    nodes, data = [[None, None]], b""
    for block, value in entries.items():
        network = ipaddress.ip_network(block)
        bits = 96 if network.version == 4 else 0  # IPv4 is below ::/96
        path = [0] * bits + [int(network.network_address) >> network.max_prefixlen - 1 - i & 1
                             for i in range(network.prefixlen)]
        at = 0
        for bit in path[:-1]:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = ("node", len(nodes) - 1)
            at = nodes[at][bit][1]
        nodes[at][path[-1]] = ("data", len(data))
        data += encoded(value)

    def record(pointer):
        if pointer is None:
            return len(nodes)
        return pointer[1] if pointer[0] == "node" else len(nodes) + 16 + pointer[1]
    tree = b"".join(struct.pack(">II", record(left), record(right)) for left, right in nodes)
    metadata = {"binary_format_major_version": 2, "binary_format_minor_version": 0,
                "build_epoch": 1700000000, "database_type": kind, "description": {"en": "test"},
                "ip_version": 6, "languages": ["en"], "node_count": len(nodes),
                "record_size": RECORD_BITS}
    body = b"".join(encoded(key) + (typed(key, value)) for key, value in metadata.items())
    return tree + bytes(16) + data + MARKER + head(7, len(metadata)) + body


def typed(key, value):
    """The format gives numbers of the metadata types of their own."""
    if key in ("binary_format_major_version", "binary_format_minor_version", "ip_version",
               "record_size"):
        raw = value.to_bytes(2, "big")
        return head(5, len(raw)) + raw
    if key == "build_epoch":
        return head(9, 8) + value.to_bytes(8, "big")
    if key == "node_count":
        return head(6, 4) + value.to_bytes(4, "big")
    return encoded(value)


def countries(blocks):
    return database("Test-Country", {b: {"country": {"iso_code": c}} for b, c in blocks.items()})


def systems(blocks):
    return database("Test-ASN", {b: {"autonomous_system_number": n} for b, n in blocks.items()})


if __name__ == "__main__":
    path, kind, *pairs = sys.argv[1:]
    values = dict(pair.split("=") for pair in pairs)
    made = (systems({b: int(n) for b, n in values.items()}) if kind == "Test-ASN"
            else database(kind, {b: {"country": {"iso_code": c}} for b, c in values.items()}))
    with open(path, "wb") as file:
        file.write(made)
