# SPDX-License-Identifier: Apache-2.0
"""A peer of the flow tests: does one thing, and prints what it counted as one JSON object."""

import json
import os
import random
import socket
import struct
import sys
import time


MPTCP = 262  # IPPROTO_MPTCP
AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: close resets
FAST_OPEN, FAST_OPEN_QUEUE = 0x20000000, 23  # MSG_FASTOPEN, TCP_FASTOPEN


def listen(address, port, protocol=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    return listener


def tcp_serve(address, port, connections, listener=None):
    """Takes connections one after the other; each says how much it wants back."""
    listener = listener or listen(address, port)
    listener.listen(128)
    print("ready", flush=True)
    got = sent = 0
    for _ in range(connections):
        peer, _ = listener.accept()
        wants = int.from_bytes(receive(peer, 4), "big")
        got += 4
        peer.sendall(b"b" * wants)
        sent += wants
        while data := peer.recv(1 << 16):
            got += len(data)
        peer.close()
    return {"sent": sent, "got": got}


def receive(peer, size):
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            raise ConnectionError("the peer has gone")
        data += piece
    return data


def mptcp_serve(address, port, connections):
    return tcp_serve(address, port, connections, listen(address, port, MPTCP))


def fast_serve(address, port, connections):
    listener = listen(address, port)
    listener.setsockopt(socket.IPPROTO_TCP, FAST_OPEN_QUEUE, 16)
    return tcp_serve(address, port, connections, listener)


def connect(address, port, first):
    peer = socket.create_connection((address, port))
    peer.sendall(first)
    return peer


def mptcp_connect(address, port, first):
    peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP)
    peer.connect((address, port))
    peer.sendall(first)
    return peer


def fast_connect(address, port, first):
    """The first bytes go with the SYN, from the second connection on."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    peer.sendto(first, FAST_OPEN, (address, port))
    return peer


def mptcp_ask(address, port, connections):
    return tcp_ask(address, port, connections, mptcp_connect)


def fast_ask(address, port, connections):
    return tcp_ask(address, port, connections, fast_connect)


def tcp_ask(address, port, connections, connect=connect):
    rng = random.Random(int(port))
    got = sent = 0
    for _ in range(connections):
        wants, gives = rng.randrange(200_000), rng.randrange(200_000)
        peer = connect(address, port, wants.to_bytes(4, "big"))
        got += len(receive(peer, wants))
        peer.sendall(b"a" * gives)
        sent += 4 + gives
        peer.shutdown(socket.SHUT_WR)
        peer.recv(1)
        peer.close()
    return {"sent": sent, "got": got}


def udp_serve(address, port, datagrams):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    got = sent = 0
    for _ in range(datagrams):
        data, peer = server.recvfrom(65535)
        got += len(data)
        sent += server.sendto(data[: len(data) // 2], peer)
    return {"sent": sent, "got": got}


def udp_ask(address, port, datagrams):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    rng = random.Random(int(port))
    asker = socket.socket(family, socket.SOCK_DGRAM)
    asker.settimeout(10)
    got = sent = 0
    for _ in range(datagrams):
        sent += asker.sendto(b"q" * rng.randrange(2, 1200), (address, port))
        got += len(asker.recvfrom(65535)[0])
    return {"sent": sent, "got": got}


def connect_all(first, port, addresses, rounds):
    """Connections to many addresses of 127/8; nobody need listen there."""
    done = 0
    base = int.from_bytes(socket.inet_aton(first), "big")
    for _ in range(rounds):
        for i in range(addresses):
            asker = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            asker.connect_ex((socket.inet_ntoa((base + i).to_bytes(4, "big")), port))
            asker.close()
            done += 1
    return {"connections": done}


def accept_all(address, port):
    """Until it is stopped."""
    listener = listen(address, port)
    listener.listen(4096)
    while True:
        listener.accept()[0].close()


def connect_to_names(domain, port, names, connections):
    """To host0 ... of the domain by turns, each looked up once."""
    addresses = [socket.getaddrinfo(f"host{i}.{domain}", port, socket.AF_INET)[0][4] for i in range(names)]
    begin = time.monotonic()
    for i in range(connections):
        asker = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)  # frees the port
        asker.connect(addresses[i % names])
        asker.close()
    return {"connections": connections, "seconds": time.monotonic() - begin}


def ask_by_name(name, port, connections):
    for _ in range(connections):
        socket.create_connection((name, port)).close()
    return {}


def main():
    what, *arguments = sys.argv[1:]
    call = {"mptcp_serve": mptcp_serve, "mptcp_ask": mptcp_ask, "fast_serve": fast_serve,
            "fast_ask": fast_ask, "tcp_serve": tcp_serve, "tcp_ask": tcp_ask, "udp_serve": udp_serve,
            "udp_ask": udp_ask, "connect_all": connect_all, "accept_all": accept_all,
            "connect_to_names": connect_to_names, "ask_by_name": ask_by_name}[what]
    result = call(arguments[0], *map(int, arguments[1:]))
    print(json.dumps({"pid": os.getpid(), **result}), flush=True)


if __name__ == "__main__":
    main()
