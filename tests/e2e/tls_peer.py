# SPDX-License-Identifier: Apache-2.0
"""A peer of the TLS tests: serves handshakes, or asks in one of several ways, and prints what went
over the wire as one JSON object."""

import json
import os
import socket
import ssl
import sys

SECRET = b"the-password-that-nobody-may-see"


def receive(peer, size):
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def serve(address, port, certificate):
    """Takes connections until it is told to end; keeps the first record of each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, int(port)), family=family, backlog=128)
    print("ready", flush=True)
    while True:
        peer, _ = listener.accept()
        try:
            with context.wrap_socket(peer, server_side=True) as secure:
                secure.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes")
                while secure.recv(4096):
                    pass
        except OSError:
            pass
        peer.close()


def connect(address, port):
    peer = socket.create_connection((address, int(port)))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def ask(address, port, name, size):
    """A handshake whose ClientHello is sent in pieces of `size` bytes (0: in one). Without a name:
    no SNI."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
    peer = connect(address, port)
    hello = None
    while True:
        try:
            secure.do_handshake()
            break
        except ssl.SSLWantReadError:
            out = outgoing.read()
            if hello is None:
                hello = out
            step = int(size) if hello is out and int(size) else max(len(out), 1)
            for at in range(0, len(out), step):
                peer.sendall(out[at:at + step])
            incoming.write(peer.recv(65536))
    secure.write(SECRET)
    peer.sendall(outgoing.read())
    peer.close()
    return {"hello": hello.hex()}


def garbage(address, port):
    """What looks like the beginning of TLS and is none, and what does not."""
    body = SECRET * 14
    sent = [b"\x16\x03\x01" + (len(body) + 4).to_bytes(2, "big") + b"\x01" +
            len(body).to_bytes(3, "big") + body, SECRET,
            b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00" + SECRET]
    for data in sent:
        peer = connect(address, port)
        peer.sendall(data)
        peer.close()
    return {}


def main():
    what, *arguments = sys.argv[1:]
    result = {"serve": serve, "ask": ask, "garbage": garbage}[what](*arguments)
    print(json.dumps({"pid": os.getpid(), **result}), flush=True)


if __name__ == "__main__":
    main()
