"""The pages as a browser reads them, in every state; and how a project makes them its own."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.clock import Clock
from tests.helpers import VERIFY, last_code
from tests.scenes import ALL, ASKING, Scene

pytestmark = pytest.mark.once

TEMPLATES = Path(__file__).parent.parent / "otp_gate" / "templates" / "otp_gate"
VOID = {"br", "hr", "img", "input", "link", "meta"}
NOT_IN_P = {"p", "div", "dl", "ul", "ol", "form", "section", "h1", "h2"}


class Page(HTMLParser):
    """Elements with their attributes, in order; `faults` is what a validator would complain of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.inline: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"{tag}: {name} twice" for name in set(names) if names.count(name) > 1]
        if "p" in self.open and tag in NOT_IN_P:
            self.faults.append(f"<{tag}> inside <p>")
        if tag == "form" and "form" in self.open:
            self.faults.append("<form> inside <form>")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style") and data.strip():
            self.inline.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(params=ALL)
def page(request: pytest.FixtureRequest, half: Client, clock: Clock, settings: Any) -> Page:
    """A page of the gate in each of its states."""
    return read(ALL[request.param](Scene(half, clock, settings)))


@pytest.fixture(params=ASKING)
def asking(request: pytest.FixtureRequest, half: Client, clock: Clock, settings: Any) -> Page:
    """The page in each of the states in which it has a field for a code."""
    return read(ASKING[request.param](Scene(half, clock, settings)))


def read(response: Any) -> Page:
    assert response["Content-Type"] == "text/html; charset=utf-8"
    text = response.content.decode()
    assert not re.search(r"\{\{|\{%|\bNone\b", text)
    return Page(text)


def test_it_is_well_formed(page: Page) -> None:
    """Every element is closed where it should be, and every id is there once."""
    assert page.faults == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_inline(page: Page) -> None:
    """No script, style or handler that a strict Content-Security-Policy would stop."""
    assert page.inline == []
    assert page.all("style") == []
    assert all("src" in attributes for attributes in page.all("script"))
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            assert not re.match(r"(data|javascript|https?|//)", attributes.get(name, "")), tag


def test_it_says_its_language_and_keeps_to_itself(page: Page) -> None:
    """For screen readers, search engines and the sites that it links to."""
    assert page.all("html") == [{"lang": "en-us", "dir": "ltr"}]
    named = {item["name"]: item["content"] for item in page.all("meta") if "name" in item}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert "noindex" in named["robots"]
    assert named["referrer"] == "same-origin"
    assert len(page.all("h1")) == len(page.all("main")) == 1


def test_every_form_posts_with_a_token(page: Page) -> None:
    """No form of the gate changes anything by GET, or without a CSRF token."""
    forms = page.all("form")
    assert {form["method"] for form in forms} <= {"post"}
    tokens = [item for item in page.all("input") if item.get("name") == "csrfmiddlewaretoken"]
    assert len(tokens) == len(forms)


def test_whatever_is_pointed_at_is_there(page: Page) -> None:
    """Labels, descriptions and titles name ids of this page."""
    ids = {attributes.get("id") for _, attributes in page.elements}
    for _, attributes in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert set(attributes.get(name, "").split()) <= ids
    assert len([item for _, item in page.elements if "autofocus" in item]) <= 1


def test_there_is_always_a_way_on(page: Page) -> None:
    """A button or a link: nobody is trapped on a page of the gate."""
    assert page.all("button", "a")


def test_there_is_one_field_and_it_has_a_label(asking: Page) -> None:
    """One thing to fill in, with its name."""
    fields = [item for item in asking.all("input") if item.get("type") != "hidden"]
    assert [item["name"] for item in fields] == ["code"]
    assert [item["for"] for item in asking.all("label")] == [fields[0]["id"]]


def test_the_field_helps_and_never_hinders(asking: Page) -> None:
    """Autofill and a keyboard with digits; nothing that cuts or refuses a pasted "123 456"."""
    field = next(item for item in asking.all("input") if item["name"] == "code")
    assert field["autocomplete"] == "one-time-code"
    assert field["inputmode"] == "numeric"
    assert field["type"] == "text"
    assert field["spellcheck"] == "false"
    assert not {"maxlength", "minlength", "pattern", "size", "value"} & set(field)


def test_a_state_that_is_no_success_is_announced(asking: Page, request: Any) -> None:
    """An alert with what went wrong, which belongs to the field; none where nothing did."""
    alerts = [item for _, item in asking.elements if item.get("role") == "alert"]
    shown = [item for item in alerts if "hidden" not in item]
    calm = ("opened", "two_factors", "step_up")
    assert len(shown) == (request.node.callspec.params["asking"] not in calm)
    field = next(item for item in asking.all("input") if item["name"] == "code")
    assert [item["id"] for item in shown] == [
        name for name in field["aria-describedby"].split() if name == "otp-gate-error"
    ]


def test_the_focus_is_where_one_goes_on(asking: Page) -> None:
    """On the field, or on the button for another code where none is alive."""
    focused = [item for _, item in asking.elements if "autofocus" in item]
    assert len(focused) == 1


def test_signing_out_is_always_offered(asking: Page) -> None:
    """Also to somebody who has no way to the code."""
    assert "/otp/cancel/" in [form["action"] for form in asking.all("form")]


def test_the_way_on_is_kept(half: Client) -> None:
    """Every form of the page carries `next`."""
    page = Page(half.get(f"{VERIFY}?next=/secret/").content.decode())
    wanted = [item["value"] for item in page.all("input") if item["name"] == "next"]
    assert wanted == ["/secret/"] * len(page.all("form"))


def test_a_name_cannot_break_out(half: Client, alice: Any) -> None:
    """Whatever people are called, it is text."""
    type(alice).objects.update(username='<script>alert("1")</script>')
    page = half.get(VERIFY)
    assert "&lt;script&gt;alert(" in page.content.decode()
    assert Page(page.content.decode()).inline == []


# What every page fills itself, so that another base of these shows nothing of its own there.
FILLED_BY_PAGES = {("base.html", "content"), ("base.html", "title"), ("base.html", "head")}

BLOCKS = [
    (file.name, block)
    for file in sorted(TEMPLATES.glob("*.html"))
    for block in re.findall(r"{% block (\w+) %}", file.read_text("utf-8"))
]
FILLED = [pair for pair in BLOCKS if pair not in FILLED_BY_PAGES]


@pytest.fixture
def overridden(settings: Any, tmp_path: Path) -> Path:
    """A folder of the project's own templates, before those of the package."""
    (tmp_path / "otp_gate").mkdir()
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path, *templates[0]["DIRS"]]
    settings.TEMPLATES = templates
    return tmp_path / "otp_gate"


def test_the_page_has_a_block_for_each_part() -> None:
    """The names that projects override; taking one away breaks them."""
    assert {
        *("heading", "alert", "intro", "code_form", "code_field", "status", "resend"),
        *("factors", "sign_out"),
    } <= {block for name, block in BLOCKS if name == "verify.html"}
    assert {"title", "head", "brand", "content", "footer"} <= {
        block for name, block in BLOCKS if name == "base.html"
    }


@pytest.mark.parametrize(("name", "block"), FILLED)
def test_each_block_can_be_filled_anew(
    half: Client, clock: Clock, settings: Any, overridden: Path, name: str, block: str
) -> None:
    """A template of the same name extends the package's own and replaces one part of it."""
    (overridden / name).write_text(
        f'{{% extends "otp_gate/{name}" %}}{{% block {block} %}}ours{{% endblock %}}', "utf-8"
    )
    scene = {"disown.html": "disown", "unavailable.html": "unavailable"}.get(name, "opened")
    page = ALL[scene](Scene(half, clock, settings)).content.decode()
    assert "ours" in page


def test_a_base_of_ones_own_frames_every_page(
    half: Client, clock: Clock, settings: Any, overridden: Path
) -> None:
    """A project puts the gate into its own look with one file, and its page still works."""
    (overridden / "base.html").write_text(
        "<!DOCTYPE html><title>{% block title %}{% endblock %}</title>"
        '<body class="shop">{% block content %}{% endblock %}',
        "utf-8",
    )
    for scene in ("opened", "disown", "unavailable"):
        page = ALL[scene](Scene(half, clock, settings)).content.decode()
        assert 'class="shop"' in page
        assert "verify.css" not in page


def test_the_mail_can_be_worded_anew(half: Client, overridden: Path, mailoutbox: list[Any]) -> None:
    """Its subject is a template of its own."""
    (overridden / "email").mkdir()
    (overridden / "email" / "code_subject.txt").write_text("{{ reference }} of our shop", "utf-8")
    half.get(VERIFY)
    assert re.fullmatch(r"\w\w of our shop", mailoutbox[0].subject)
    assert last_code() not in mailoutbox[0].subject
