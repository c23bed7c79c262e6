"""Keys and tokens at the door of a real server."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from monailabel.client import MONAILabelClient
from realm import PASSWORD, Realm, running_realm, unsigned
from running import serve
from tiny_model import FOUND

from monailabel_app.guard.api_keys import add_key

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    with running_realm() as realm:
        yield realm


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One key a role, and the file that knows them."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    return {role: add_key(file, f"{role}-1", role) for role in ("admin", "annotator", "user")} | {"file": str(file)}


@pytest.fixture(scope="module")
def door(
    studies: Path, model: Path, realm: Realm, keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with_realm = {"MONAI_LABEL_AUTH_ENABLE": "true", "MONAI_LABEL_AUTH_REALM_URI": realm.uri}
    settings = {**with_realm, "PRSMED_API_KEYS": keys["file"]}
    for server in serve(studies, model, tmp_path_factory.mktemp("door") / "log", host="127.0.0.2", **settings):
        yield server.url


def status(url: str, token: str | None, method: str = "GET", path: str = "/info/", **sent: object) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    response = requests.request(method, f"{url}{path}", headers=headers, timeout=60, **sent)
    body = response.json() if response.content and response.headers["content-type"] == "application/json" else {}
    return response.status_code, body.get("error", {}).get("code", "")


def test_every_route_asks_who_it_is(door: str, keys: dict[str, str]) -> None:
    document = requests.get(f"{door}/openapi.json", timeout=60).json()
    open_to_all = {"/health", "/health/ready", "/auth/", "/auth/token"}
    for path, methods in document["paths"].items():
        for method in methods:
            if path not in open_to_all:
                filled = path.replace("{", "").replace("}", "")
                got = status(door, None, method.upper(), filled)
                assert got[0] == 401, (method, path, got)


def test_a_key_opens_by_either_header(door: str, keys: dict[str, str]) -> None:
    assert status(door, keys["user"])[0] == 200
    assert requests.get(f"{door}/info/", headers={"X-API-Key": keys["user"]}, timeout=60).ok
    assert status(door, keys["user"] + "x") == (401, "unauthorized")
    assert status(door, "") == (401, "unauthorized")


def test_roles_allow_what_they_should(door: str, keys: dict[str, str]) -> None:
    label = {"files": {"label": ("x.nii.gz", b"")}}
    put = ("PUT", "/datastore/label?image=nifti")
    assert status(door, keys["user"], *put, **label) == (403, "forbidden")
    assert status(door, keys["annotator"], *put, **label) == (400, "unreadable_image")
    remove = ("DELETE", "/datastore/image?id=nothing")
    assert status(door, keys["annotator"], *remove) == (403, "forbidden")
    assert status(door, keys["admin"], *remove) == (404, "not_found")


def test_a_key_taken_back_opens_no_more(door: str, keys: dict[str, str]) -> None:
    file = Path(keys["file"])
    before = file.read_text()
    temporary = add_key(file, "temp", "user")
    assert status(door, temporary)[0] == 200
    file.write_text(before)
    assert status(door, temporary) == (401, "unauthorized")


def test_a_good_token_opens(door: str, realm: Realm) -> None:
    assert status(door, realm.token())[0] == 200
    headers = {"Authorization": f"Bearer {realm.token()}"}
    who = requests.get(f"{door}/auth/token/valid", headers=headers, timeout=60).json()
    assert who == {"username": "alice", "roles": ["monailabel-annotator"]}


def test_a_name_cannot_forge_a_line_of_the_log(door: str, realm: Realm) -> None:
    headers = {"Authorization": f"Bearer {realm.token(preferred_username='eve' + chr(10) + 'GET / 200 by alice')}"}
    who = requests.get(f"{door}/auth/token/valid", headers=headers, timeout=60).json()
    assert who["username"] == "eve_GET _ 200 by alice"


def test_forged_and_stale_tokens_do_not(door: str, realm: Realm) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    head, _, signature = realm.token().split(".")
    as_admin = realm.claims(realm_access={"roles": ["monailabel-admin"]})
    mightier = base64.urlsafe_b64encode(json.dumps(as_admin).encode())
    # A naive check takes the public key for a shared secret.
    confused = jwt.api_jws.PyJWS()
    confused._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    with_public_key = confused.encode(
        json.dumps(realm.claims()).encode(), realm.public_pem, "HS256", headers={"kid": "k1"}
    )
    forged = {
        "signed by another": realm.token(key=other),
        "unknown key": realm.token(key=other, kid="k2"),
        "unsigned": unsigned(realm.claims()),
        "public key as secret": with_public_key,
        "changed": f"{head}.{mightier.rstrip(b'=').decode()}.{signature}",
        "expired": realm.token(exp=time.time() - 60),
        "without expiry": realm.token(exp=None),
        "for another": realm.token(aud="account"),
        "for nobody": realm.token(aud=None),
        "of another realm": realm.token(iss="https://evil.example/realms/test"),
        "nonsense": "a.b.c",
        "no token": "x" * 5000,
    }
    assert {name: status(door, token) for name, token in forged.items()} == dict.fromkeys(forged, (401, "unauthorized"))


def test_a_token_without_a_role_is_known_but_may_nothing(door: str, realm: Realm) -> None:
    for access in (None, {"roles": []}, {"roles": ["something-else"]}, {"roles": "monailabel-admin"}, []):
        assert status(door, realm.token(realm_access=access)) == (403, "forbidden")


def test_stock_clients_sign_in_with_a_password_or_a_key(door: str, keys: dict[str, str]) -> None:
    for name, password in (("alice", PASSWORD), ("annotator-1", keys["annotator"])):
        client = MONAILabelClient(door)
        assert client.auth_enabled()
        assert not client.auth_valid_token()
        client.update_auth(client.auth_token(name, password))
        assert client.auth_valid_token()
        assert client.info()["name"] == "PRS-Med"
    for name, password in (("alice", "wrong"), ("user-1", keys["annotator"])):
        wrong = requests.post(f"{door}/auth/token", data={"username": name, "password": password}, timeout=60)
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "unauthorized")


def test_two_users_never_see_each_others(door: str, keys: dict[str, str], realm: Realm) -> None:
    def ask(token: str, **params: object) -> requests.Response:
        fields = {"params": (None, json.dumps({"prompt": FOUND, **params}))}
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{door}/infer/prsmed?image=photo&output=json"
        return requests.post(address, files=fields, headers=headers, timeout=60)

    mine = ask(keys["user"]).json()["conversation"]
    assert ask(keys["user"], conversation=mine).ok
    theirs = ask(realm.token(), conversation=mine)
    assert (theirs.status_code, theirs.json()["error"]["code"]) == (404, "unknown_conversation")


def test_nobodys_body_is_read(door: str) -> None:
    """401 comes although most of the body was never sent."""
    host, port = door.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = "PUT /datastore/image HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n"
        connection.sendall((head + "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b").encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
