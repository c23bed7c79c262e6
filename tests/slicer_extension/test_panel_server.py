"""Every way of not reaching a server is told with its cause and cure; real sockets, real TLS."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from PRSMedLib.problem import Problem
from PRSMedLib.server import Server


@contextmanager
def http(answer: Callable[[BaseHTTPRequestHandler], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def reply(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = serialization.NoEncryption()
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(key_pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def problem_of(address: str, token: str = "") -> Problem:
    with pytest.raises(Problem) as caught:
        Server(address, token).connect()
    return caught.value


@pytest.mark.parametrize(
    "address",
    ["", "   ", "http://", "ftp://host", "http://host:99999", "http://a b", "http://u:p@host", "http://host/?x=1"],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Problem, match=r"http://127\.0\.0\.1:8000") as caught:
        Server(address)
    assert caught.value.code == "bad_address"


def test_an_address_without_a_scheme_is_plain_http() -> None:
    assert Server(" localhost:8000/ ").address == "http://localhost:8000"


@pytest.mark.parametrize(
    ("address", "here"),
    [("localhost:1", True), ("http://127.3.2.1", True), ("http://[::1]:8000", True), ("http://10.0.0.1", False),
     ("https://localhost.example.org", False), ("http://127.0.0.1.example.org", False)],
)  # fmt: skip
def test_only_this_computer_is_this_computer(address: str, here: bool) -> None:
    assert Server(address).isThisComputer is here


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    problem = problem_of(f"http://127.0.0.1:{port}")
    assert problem.code == "refused"
    assert "Start it" in problem.message


def test_no_such_computer() -> None:
    assert problem_of("http://nobody.invalid:8000").code == "unknown_host"


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with http(reply(200, b"{}"), self_signed(tmp_path)) as address:
        problem = problem_of(address)
    assert problem.code == "bad_certificate"
    assert "REQUESTS_CA_BUNDLE" in problem.message


def test_https_to_a_plain_server() -> None:
    with http(reply(200, b"{}")) as address:
        problem = problem_of(address.replace("http://", "https://"))
    assert problem.code == "not_tls"
    assert "http://" in problem.message


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"<html>", "no_monai_label"),
        (200, b"[]", "no_monai_label"),
        (200, b'{"models": {"deepedit": {}}}', "no_model"),
        (401, b'{"error": {"code": "unauthorized", "message": "who?"}}', "unauthorized"),
        (403, b'{"error": {"code": "keys_required", "message": "set keys"}}', "keys_required"),
        (404, b"", "not_found"),
        (404, b'{"detail": "Not Found"}', "not_found"),
        (404, b'{"error": {"code": "unknown_image", "message": "there is no image"}}', "unknown_image"),
        (429, b"{}", "busy"),
        (500, b"boom", "server_fault"),
        (503, b'{"error": {"code": "out_of_memory", "message": "the GPU is full"}}', "out_of_memory"),
        (422, b'{"detail": "nonsense"}', "refused_request"),
    ],
)
def test_what_a_server_says_becomes_a_problem(status: int, body: bytes, code: str) -> None:
    with http(reply(status, body)) as address:
        assert problem_of(address).code == code


def test_a_redirect_is_not_followed() -> None:
    with http(reply(302, b"", Location="http://elsewhere.example.org/info/")) as address:
        problem = problem_of(address, "secret")
    assert problem.code == "redirected"
    assert "elsewhere.example.org" in problem.message


def test_a_connection_that_breaks_off() -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")

    with http(cut) as address:
        assert problem_of(address).code == "lost"


def test_the_key_goes_into_the_header() -> None:
    seen: list[str | None] = []

    def look(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        reply(200, b'{"models": {"prsmed": {}}, "name": "X", "strategies": {"first": {}}}')(handler)

    with http(look) as address:
        info = Server(address, " secret ").connect()
        Server(address).connect()
    assert seen == ["Bearer secret", "Bearer secret", None, None]
    assert (info.name, info.strategies, info.canTrain) == ("X", ("first",), False)


def test_what_stays_on_this_computer_goes_by_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def caught(handler: BaseHTTPRequestHandler) -> None:
        raise AssertionError("the proxy saw it")

    with http(caught) as proxy, http(reply(200, b'{"models": {"prsmed": {}}}')) as address:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        assert Server(address).connect().canStream


def test_no_line_of_the_log_names_an_image(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), http(reply(200, b"{}")) as address:
        Server(address).getJson("/datastore/image", {"image": "DOE_JANE"})
    assert "DOE_JANE" not in caplog.text
