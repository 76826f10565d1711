# SPDX-License-Identifier: Apache-2.0
"""As much of a Kubernetes API server as asking for owners takes: lists of metadata in pages, watches that
end when they are told to, tokens. What is asked is remembered."""

import http.server
import json
import queue
import ssl
import threading
import urllib.parse

PATHS = ("/api/v1/pods", "/apis/apps/v1/replicasets", "/apis/batch/v1/jobs")


def metadata(uid, owner=None, version="1"):
    """An object's; `owner`: (kind, name, uid) of its controller. Another that does not control it is there,
    too."""
    owners = [{"kind": "Node", "name": "not-the-controller", "uid": "u0"}]
    if owner:
        owners.append(dict(zip(("kind", "name", "uid"), owner), controller=True))
    return {"metadata": {"name": f"name-of-{uid}", "namespace": "shop", "uid": uid, "resourceVersion": version,
                         "ownerReferences": owners}}


class KubeApi:
    def __init__(self, token, certificate=None, key=None):
        self.token = token
        self.objects = {path: [] for path in PATHS}
        self.asked = []       # (method, path, query) of every request
        self.refused = 0
        self.watches = {path: [] for path in PATHS}  # queues of those that watch now
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                api.asked.append((self.command, url.path, query))
                if self.headers["Authorization"] != f"Bearer {api.token}":
                    api.refused += 1
                    return self.answer(401, {})
                if url.path not in api.objects:
                    return self.answer(404, {})
                if "watch" in query:
                    return self.watch(url.path)
                begin = int(query.get("continue", 0))
                page = api.objects[url.path][begin:begin + 2]
                about = {"resourceVersion": "10"}
                if begin + 2 < len(api.objects[url.path]):
                    about["continue"] = str(begin + 2)
                return self.answer(200, {"kind": "PartialObjectMetadataList", "metadata": about, "items": page})

            def answer(self, code, value):
                body = json.dumps(value).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def watch(self, path):
                events = queue.Queue()
                api.watches[path].append(events)
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while (event := events.get()) is not None:
                    line = json.dumps(event).encode() + b"\n"
                    for part in (line[:7], line[7:]):  # an event may come in pieces
                        self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                        self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def watched(self):
        return all(self.watches.values())

    def tell(self, path, event_type, value):
        for events in self.watches[path]:
            events.put({"type": event_type, "object": value})

    def end_watches(self, path):
        watches, self.watches[path] = self.watches[path], []
        for events in watches:
            events.put(None)

    def close(self):
        for path in PATHS:
            self.end_watches(path)
        self.server.shutdown()
        self.server.server_close()
