"""A server in the chat-completions form, on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

KEY = "sk-never-to-be-seen-0123456789"


class ChatServer(ThreadingHTTPServer):
    """``plan`` holds status, headers and body of the next replies; when it is empty, ``think`` answers the prompt."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[tuple[int, dict[str, str], bytes]] = []
        self.think: Callable[[str, str], str] | None = None
        self.requests: list[tuple[str, dict[str, str], dict[str, object]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, text: str) -> None:
        self.plan.append((200, {}, completion(text)))


class Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers.items()), body))
        if self.server.think and not self.server.plan:
            text = self.server.think(body["model"], body["messages"][0]["content"])
            status, headers, content = 200, {}, completion(text)
        else:
            status, headers, content = self.server.plan.pop(0)
        if status == 0:  # hang up
            self.connection.close()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def completion(text: str | None, reason: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).encode()


@contextmanager
def running() -> Iterator[ChatServer]:
    with ChatServer() as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
