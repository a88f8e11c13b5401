"""People with browsers, in as few lines as HTTP allows; and many requests at one moment."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.helpers import PASSWORD, VERIFY
from tests.servers import HOST, Mailbox

PATIENCE = 60
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass
class Answer:
    """What came back."""

    status: int
    location: str
    cookies: dict[str, str]
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Visitor:
    """A browser: cookies, and the CSRF token in every form."""

    def __init__(self, port: int, session: str = "") -> None:
        self.port = port
        self.cookies = {"sessionid": session} if session else {}

    def request(
        self, method: str, path: str, fields: dict[str, str] | None = None, *, as_json: bool = False
    ) -> bytes:
        """Return a request as it goes over the wire."""
        headers = {"Host": f"{HOST}:{self.port}", "Connection": "close"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers["X-CSRFToken"] = self.cookies.get("csrftoken", "")
        body = b""
        if fields is not None:
            headers |= JSON if as_json else FORM
            body = (json.dumps(fields) if as_json else urlencode(fields)).encode()
            headers["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
        [answer] = at_once(self.port, [self.request(method, path, fields)])
        self.cookies |= answer.cookies
        return answer

    def log_in(self, name: str = "alice", password: str = PASSWORD) -> Answer:
        self.send("GET", "/login/")
        return self.send("POST", "/login/", {"username": name, "password": password})

    def is_in(self) -> bool:
        return self.send("GET", "/secret/").text == "secret of alice"


def at_once(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """Send requests so that the server has all but the last byte of each, then the last bytes.

    What is left between the first and the last of them is one loop over `send`: no barrier
    between threads of this process comes as near to one moment.
    """
    sockets = []
    for request in requests:
        connection = socket.create_connection((HOST, port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request[:-1])
        sockets.append(connection)
    if len(sockets) > 1:
        time.sleep(0.3)  # Until every thread of the server holds a request that lacks its end.
    for connection, request in zip(sockets, requests, strict=True):
        connection.sendall(request[-1:])
    return [receive(connection) for connection in sockets]


def receive(connection: socket.socket) -> Answer:
    with connection, http.client.HTTPResponse(connection) as response:
        response.begin()
        cookies = SimpleCookie[str]()
        for header in response.headers.get_all("Set-Cookie", []):
            cookies.load(header)
        return Answer(
            status=response.status,
            location=response.headers.get("Location", ""),
            cookies={name: morsel.value for name, morsel in cookies.items()},
            headers=response.headers,
            text=response.read().decode(),
        )


def code_in(message: EmailMessage) -> str:
    """Return the code of a mail, or "" for one that tells of a lock."""
    part = message.get_body(("plain",))
    assert part is not None
    found = re.search(r"^\s*(\d{3}) ?(\d{3})\s*$", part.get_content(), re.MULTILINE)
    return found[1] + found[2] if found else ""


def codes_in(box: Mailbox) -> list[str]:
    """Return the codes of all mails so far, oldest first."""
    return [code for code in map(code_in, list(box.messages)) if code]


def half_way(port: int, box: Mailbox, name: str = "alice") -> tuple[Visitor, str]:
    """Return somebody who has given the password, and the code that was sent for it."""
    visitor = Visitor(port)
    assert visitor.log_in(name).status == 302
    assert visitor.send("GET", VERIFY).status == 200
    return visitor, codes_in(box)[-1]


def no_code_of(box: Mailbox) -> str:
    """Return six digits that no mail holds."""
    sent = set(codes_in(box))
    return next(code for code in map("{:06d}".format, range(1_000_000)) if code not in sent)
