"""listmonk's templates and campaigns. A campaign comes as a draft of the same writing.

As a draft, because nobody was sent it from here: a report of it would have nobody to account for.
Each is found again by its name, so a second move brings nothing twice.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import transaction
from psycopg.rows import tuple_row

from accounts.background import set_aside
from accounts.input.senders import understood
from accounts.models import User, Workspace
from campaigns import lengths
from campaigns.migrate_from.translating import Translated, translate
from campaigns.models import Campaign, Content, Template
from campaigns.rendering.frame import document
from campaigns.rendering.values import tag_of
from campaigns.states import ContentKind
from subscribers.models import CustomField

NAME = "listmonk"
TABLES = ("templates", "campaigns")
KINDS = {"plain": ContentKind.TEXT, "markdown": ContentKind.MARKDOWN}
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.IGNORECASE | re.DOTALL)
SHELL = re.compile(r"<!doctype[^>]*>|</?html\b[^>]*>|<head\b.*?</head>", re.IGNORECASE | re.DOTALL)
CONTENT = "{{ content }}"
FRAME = """<mjml>
<mj-head><mj-style>{style}</mj-style></mj-head>
<mj-body><mj-raw>{body}</mj-raw></mj-body>
</mjml>
"""


@dataclass(kw_only=True)
class Brought:
    """What came, what was here already, and what did not come or not whole, by name."""

    templates: list[str] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)
    known: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    untranslated: dict[str, list[str]] = field(default_factory=dict)


def bring(
    workspace: Workspace,
    connection: psycopg.Connection[Any],
    *,
    dry_run: bool,
    actor: User | None = None,
) -> Brought:
    """Bring templates and campaigns of a database opened by `listmonk_database.connect`."""
    return _Bringing(workspace, connection, dry_run=dry_run, actor=actor).bring()


class _Bringing:
    def __init__(
        self,
        workspace: Workspace,
        connection: psycopg.Connection[Any],
        *,
        dry_run: bool,
        actor: User | None,
    ) -> None:
        self._workspace = workspace
        self._connection = connection
        self._dry = dry_run
        self._actor = actor
        self._brought = Brought()
        own = CustomField.objects.filter(workspace=workspace)
        self._fields = {
            re.sub(r"[\W_]+", "", word.lower()): tag_of(one.key)
            for one in own
            for word in (one.key, one.label)
        }
        self._bodies: dict[int, str] = {}

    def bring(self) -> Brought:
        for row in self._rows("templates"):
            self._one(row, self._template)
        for row in self._rows("campaigns"):
            self._one(row, self._campaign)
        return self._brought

    def _one(self, row: Mapping[str, Any], bring: Callable[[Mapping[str, Any]], None]) -> None:
        """Bring one row; what can't be stored is left out by its name, and the others come."""
        if set_aside.each("move from listmonk", [row], bring, name=lambda one: f"row {one['id']}"):
            return
        name = _name(row)
        for names in (self._brought.templates, self._brought.campaigns):
            if name in names[-1:]:
                names.pop()
        self._brought.left_out[name] = "it could not be stored; the health page says why"

    def _rows(self, table: str) -> list[Mapping[str, Any]]:
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            exists = cursor.execute("SELECT to_regclass(%s)", [table]).fetchone()
            if not exists or exists[0] is None:
                return []
            query = psycopg.sql.SQL("SELECT to_jsonb(t) FROM {} t ORDER BY id")
            return [row for (row,) in cursor.execute(query.format(psycopg.sql.Identifier(table)))]

    def _template(self, row: Mapping[str, Any]) -> None:
        name = _name(row)
        body = str(row.get("body") or "")
        kind = row.get("type") or "campaign"
        if kind != "campaign":
            self._brought.left_out[name] = f"template of the kind {kind}"
            return
        self._bodies[row["id"]] = body
        frame = self._translated(name, body, {})
        if CONTENT not in frame.text:
            self._brought.left_out[name] = "template without a place for content"
            return
        source = as_frame(frame.text)
        if len(source) > lengths.TEMPLATE:
            self._brought.left_out[name] = "longer than a template may be"
            return
        if Template.objects.filter(workspace=self._workspace, name=name).exists():
            self._brought.known += 1
            return
        self._brought.templates.append(name)
        if not self._dry:
            Template.objects.create(
                workspace=self._workspace, name=name, source=source, description=NAME
            )

    def _campaign(self, row: Mapping[str, Any]) -> None:
        name = _name(row)
        if row.get("type") == "optin":
            self._brought.left_out[name] = "asks for confirmation; forms do that here"
            return
        if Campaign.objects.filter(workspace=self._workspace, name=name).exists():
            self._brought.known += 1
            return
        content = self._content(name, row)
        if len(content.source) > lengths.SOURCE or len(content.text) > lengths.TEXT:
            self._brought.left_out[name] = "longer than a campaign may be"
            return
        self._brought.campaigns.append(name)
        if self._dry:
            return
        sender = understood(str(row.get("from_email") or ""))
        with transaction.atomic():
            campaign = Campaign.objects.create(
                workspace=self._workspace,
                name=name,
                from_name=_line(sender.name)[:120],
                from_email=sender.address[:320],
                created_by=self._actor,
            )
            content.campaign = campaign
            content.save()
            campaign.content = content
            campaign.save(update_fields=["content"])

    def _content(self, name: str, row: Mapping[str, Any]) -> Content:
        subject = str(row.get("subject") or "")
        known = {".Campaign.Subject": subject, ".Campaign.Name": str(row.get("name") or "")}
        kind = KINDS.get(str(row.get("content_type")), ContentKind.HTML)
        body = self._translated(name, str(row.get("body") or ""), known).text
        template = None
        if kind is ContentKind.HTML:
            body = self._in_frame(name, body, row, known)
        elif kind is ContentKind.MARKDOWN:
            template = Template.objects.filter(workspace=self._workspace, is_default=True).first()
        altbody = str(row.get("altbody") or "")
        return Content(
            kind=kind,
            subject=_line(self._translated(name, subject, known).text)[:500],
            source=body,
            text=self._translated(name, altbody, known).text,
            template=template,
            created_by=self._actor,
        )

    def _in_frame(
        self, name: str, body: str, row: Mapping[str, Any], known: Mapping[str, str]
    ) -> str:
        """Put a body into the template it was sent in; HTML here is a whole document."""
        frame = self._bodies.get(row.get("template_id") or 0, "")
        if frame:
            whole = self._translated(name, frame, known).text
            if CONTENT in whole:
                return whole.replace(CONTENT, body)
        return body if BODY.search(body) else document(body, self._workspace.default_language)

    def _translated(self, name: str, text: str, known: Mapping[str, str]) -> Translated:
        found = translate(text, fields=self._fields, known=known)
        if found.unknown:
            named = self._brought.untranslated.setdefault(name, [])
            named += [one for one in found.unknown if one not in named]
        return found


def as_frame(html: str) -> str:
    """Put an HTML document with a place for content into a template's MJML."""
    style = "\n".join(found.strip() for found in STYLE.findall(html))
    body = BODY.search(html)
    inner = body[1] if body else SHELL.sub("", STYLE.sub("", html))
    return FRAME.format(style=style, body=inner.strip())


def _name(row: Mapping[str, Any]) -> str:
    suffix = f" · {NAME} #{row['id']}"
    return _line(str(row.get("name") or ""))[: 120 - len(suffix)] + suffix


def _line(text: str) -> str:
    return " ".join(text.split())
