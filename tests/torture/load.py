"""People who log in again and again: what they do at each login, and what they must never see."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.helpers import PASSWORD, VERIFY
from tests.parallel.visitors import Answer, Visitor, at_once, code_in
from tests.servers import Mailbox
from tests.table import Row
from tests.topologies import ELECTION


def wrong(code: str) -> str:
    """Return a code that is not this one."""
    return f"{(int(code or 0) + 1) % 1_000_000:06d}"


@dataclass
class Person:
    """One user; her requests follow upon each other, those of others come meanwhile."""

    name: str
    port: int
    box: Mailbox
    page: str = "/secret/"
    row: Row = field(default_factory=Row)
    sql: Counter[tuple[str, int]] = field(default_factory=Counter)
    last: list[Answer] = field(default_factory=list)

    def send(
        self, visitor: Visitor, method: str, path: str, fields: dict[str, str] | None = None
    ) -> Answer:
        """Make a request, and count it."""
        [answer] = self.send_often(visitor, method, path, fields)
        visitor.cookies |= answer.cookies
        return answer

    def send_often(
        self,
        visitor: Visitor,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
        number: int = 1,
    ) -> list[Answer]:
        """Make a request so many times at one moment."""
        start = time.perf_counter()
        answers = self.last = at_once(self.port, [visitor.request(method, path, fields)] * number)
        self.row.longest = max(self.row.longest, time.perf_counter() - start)
        for answer in answers:
            self.row.requests += 1
            self.row.unavailable += answer.status == 503
            self.row.errors += answer.status >= 500 and answer.status not in (502, 503)
            self.sql[f"{method} {path} {answer.status}", int(answer.headers["X-SQL"])] += 1
        return answers

    def is_in(self, visitor: Visitor) -> bool:
        """Open a page that is for the verified."""
        answer = self.send(visitor, "GET", self.page)
        return answer.status == 200 and answer.text.endswith(self.name)

    def half(self) -> Visitor:
        """Give the password, in a new browser; see that it opens nothing."""
        visitor = Visitor(self.port)
        self.send(visitor, "GET", "/login/")
        self.send(visitor, "POST", "/login/", {"username": self.name, "password": PASSWORD})
        self.row.let_in += self.is_in(visitor)
        return visitor

    def code(self, visitor: Visitor) -> str:
        """Open the OTP page; return the code that was sent for it, or "" if there was none."""
        self.send(visitor, "GET", VERIFY)
        codes = [code for code in map(code_in, self.box.take(f"{self.name}@example.org")) if code]
        return codes[-1] if codes else ""

    def log_in(self) -> None:
        """Log in once, as people do: one wrong code, the right one, three pages, and out."""
        visitor = self.half()
        code = self.code(visitor)
        self.send(visitor, "POST", VERIFY, {"code": wrong(code)})
        self.row.let_in += self.is_in(visitor)
        self.send(visitor, "POST", VERIFY, {"code": code})
        self.row.logins += all(self.is_in(visitor) for _ in range(3))
        self.send(visitor, "POST", "/logout/", {})
        self.row.let_in += self.is_in(visitor)

    def insist(self) -> None:
        """Log in once, as attackers do: the right code thrice at once, and then again.

        As long as Redis is away the page says so, and the person tries again; too many codes of
        before the failover lock her out for a minute.
        """
        limit = time.monotonic() + ELECTION
        visitor = self.half()
        code = ""
        while True:
            assert time.monotonic() < limit, f"no way in: {self.last}"
            code = self.code(visitor) or code
            self.send(visitor, "POST", VERIFY, {"code": wrong(code)})
            self.row.let_in += self.is_in(visitor)
            opened = self.race(visitor, code)
            if opened:
                break
            if visitor.cookies.get("sessionid") and self.needs_password(visitor):
                visitor, code = self.half(), ""
            time.sleep(0.05)
        self.row.logins += 1
        self.row.twice += len(opened) > 1
        self.replay(visitor, code)
        self.send(opened[0], "POST", "/logout/", {})
        self.row.let_in += self.is_in(opened[0])

    def race(self, visitor: Visitor, code: str) -> list[Visitor]:
        """Post the code three times at one moment; return the browsers that are in."""
        answers = self.send_often(visitor, "POST", VERIFY, {"code": code}, number=3)
        keys = {answer.cookies.get("sessionid", "") for answer in answers} - {""}
        keys.add(visitor.cookies["sessionid"])
        browsers = [Visitor(self.port, key) for key in keys]
        opened = [browser for browser in browsers if self.is_in(browser)]
        for browser, answer in ((b, a) for b in opened for a in answers):
            browser.cookies["csrftoken"] = answer.cookies.get(
                "csrftoken", visitor.cookies["csrftoken"]
            )
            if answer.cookies.get("sessionid") == browser.cookies["sessionid"]:
                break
        return opened

    def replay(self, old: Visitor, code: str) -> None:
        """See that the used code opens neither the session of before nor another one."""
        other = self.half()
        for visitor in (old, other):
            self.send(visitor, "POST", VERIFY, {"code": code})
            self.row.twice += self.is_in(visitor)

    def needs_password(self, visitor: Visitor) -> bool:
        return self.send(visitor, "GET", VERIFY).location.startswith("/login/")


@dataclass
class Crowd:
    """Everybody at once, each in a thread."""

    people: Sequence[Person]
    act: Callable[[Person], None]
    stopped: threading.Event = field(default_factory=threading.Event)
    faults: list[Exception] = field(default_factory=list)

    @property
    def logins(self) -> int:
        return sum(person.row.logins for person in self.people)

    def live(self, person: Person) -> None:
        try:
            while not self.stopped.is_set():
                self.act(person)
        except Exception as error:
            self.faults.append(error)

    def go_on(self, logins: int) -> None:
        """Wait until so many more logins are done."""
        wanted = self.logins + logins
        limit = time.monotonic() + ELECTION
        while self.logins < wanted and not self.faults:
            assert time.monotonic() < limit, "nobody can log in"
            time.sleep(0.05)


@contextmanager
def crowd(
    row: Row, people: Sequence[Person], act: Callable[[Person], None] = Person.insist
) -> Iterator[Crowd]:
    """Let people log in as long as the block lasts; then add up what they saw."""
    found = Crowd(people, act)
    threads = [threading.Thread(target=found.live, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.stopped.set()
        for thread in threads:
            thread.join()
        for person in people:
            row += person.row
    if found.faults:
        raise ExceptionGroup("what people met", found.faults)
