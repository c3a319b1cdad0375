"""Segments: look at, write, count, copy, delete."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.numbers import row_number
from accounts.input.once import once
from accounts.input.revisions import Difference, Editing
from accounts.roles import Permission, may
from subscribers import tasks
from subscribers.directory import as_rules
from subscribers.directory.directory import Filters
from subscribers.fields import usage
from subscribers.forms.segments import SegmentForm
from subscribers.models import Segment, SegmentDay, Subscriber
from subscribers.segments import estimating, members, rule_editor, saving, tree
from subscribers.segments.kinds import Scope, Subject
from subscribers.segments.tree import InvalidRules, RuleFault, RuleGroup
from subscribers.states import SubscriptionStatus

CHART_DAYS = 120
LONGEST_SENTENCE = 160


@member(Permission.VIEW)
def segment_list(request: MemberRequest) -> HttpResponse:
    """Show the segments with how many people fitted when they were last counted."""
    scope = Scope(workspace=request.workspace)
    rows = [
        (segment, segment.description or _sentence(segment, scope))
        for segment in Segment.objects.filter(workspace=request.workspace)
    ]
    return render(request, "subscribers/segments.html", {"rows": rows})


def _sentence(segment: Segment, scope: Scope) -> str:
    try:
        return rule_editor.sentence(tree.read(segment.rules, scope.subjects))[:LONGEST_SENTENCE]
    except InvalidRules:
        return _("Needs fixing: it uses something that no longer exists.")


@member(Permission.EDIT)
@once
def segment_new(request: MemberRequest) -> HttpResponse:
    """Make a segment; it may begin with the filters of a list of people."""
    segment = Segment(workspace=request.workspace, created_by=request.user)
    status = request.GET.get("status", "")
    segment.rules = as_rules.rules(
        Filters(
            search=request.GET.get("q", "").strip()[:200],
            list_id=row_number(request.GET.get("list", "")),
            status=status if status in SubscriptionStatus.values else "",
            tag_id=row_number(request.GET.get("tag", "")),
            segment_id=row_number(request.GET.get("segment", "")),
        ),
        request.workspace,
    )
    return _edit(request, segment)


@member(Permission.VIEW)
def segment_page(request: MemberRequest, segment_id: int) -> HttpResponse:
    """Show a segment's rules and people; who may edit, changes them here."""
    if request.method == "POST" and not may(request.membership.role, Permission.EDIT):
        raise PermissionDenied
    return _edit(request, own(request, Segment, segment_id))


def _edit(request: MemberRequest, segment: Segment) -> HttpResponse:
    scope = saving.scope_of(segment)
    raw, focus = segment.rules or rule_editor.empty(), ""
    form = SegmentForm(segment=segment)
    action = request.POST.get("do", "save")
    if request.method == "POST":
        raw, focus = rule_editor.change(
            rule_editor.from_form(request.POST, scope.subjects), action, scope.subjects
        )
        form = (
            SegmentForm(request.POST, segment=segment)
            if action == "save"
            else SegmentForm(initial=request.POST.dict(), segment=segment)
        )
    reading = _read(raw, scope)
    wanted = request.method == "POST" and action == "save" and form.is_valid()
    revised = Editing(request, segment)
    revised.attach(form)
    saved = None
    if wanted and reading.group:
        saved = _save(request, segment, raw, form, revised)
    if isinstance(saved, InvalidRules):
        reading = _Reading(faults=saved.faults)
    elif saved:
        messages.success(request, _saved(saved))
        return redirect("segment_page", segment.pk)
    context = {
        "segment": segment,
        "form": form,
        "box": rule_editor.draw(raw, scope.subjects, reading.faults if action == "save" else ()),
        "faults": reading.faults if action == "save" else (),
        "focus": focus,
        "groups": _groups(scope),
        "panel": _panel(reading, scope, wait=action == "count" or request.GET.get("exact") == "1"),
        "uses": usage.of_segment(segment) if segment.pk else [],
        "chart_spec": _chart(segment) if segment.pk else None,
    }
    status = 409 if revised.conflict else 200
    return render(request, "subscribers/segment.html", context, status=status)


def _saved(found: saving.Found) -> str:
    if isinstance(found, members.Count):
        people, text = (
            found.people,
            ngettext("Saved. %(n)s person matches.", "Saved. %(n)s people match.", found.people),
        )
    else:
        people, text = found.value, _("Saved. About %(n)s people fit.")
    return text % {"n": number_format(people, force_grouping=True)}


def _save(
    request: MemberRequest,
    segment: Segment,
    raw: rule_editor.Raw,
    form: SegmentForm,
    revised: Editing,
) -> saving.Found | InvalidRules | None:
    """Save, and say how many; None: somebody else saved meanwhile, and the form says so."""
    counted: list[saving.Found] = []

    def write() -> None:
        counted.append(saving.save(segment, rules=raw, **form.cleaned_data))

    def stored() -> SegmentForm:
        return SegmentForm(segment=own(request, Segment, segment.pk))

    try:
        won = revised.save(form, write, stored, more=lambda: _other_rules(request, segment, raw))
    except InvalidRules as wrong:
        return wrong
    if not won:
        return None
    stored_segment = own(request, Segment, segment.pk)
    if stored_segment.count is None:
        transaction.on_commit(partial(tasks.count_segment.delay, segment.pk), robust=True)
    if counted:
        return counted[0]
    scope = saving.scope_of(stored_segment)
    return saving.size(scope, tree.read(stored_segment.rules, scope.subjects))


def _other_rules(
    request: MemberRequest, segment: Segment, raw: rule_editor.Raw
) -> list[Difference]:
    stored = own(request, Segment, segment.pk)
    scope = saving.scope_of(stored)
    typed = Segment(workspace=stored.workspace, rules=raw)
    sentences = [_sentence(one, scope) for one in (stored, typed)]
    if sentences[0] == sentences[1]:
        return []
    return [Difference(label=_("Rules"), stored=sentences[0], typed=sentences[1])]


@dataclass(frozen=True, kw_only=True)
class _Reading:
    group: RuleGroup | None = None
    faults: Sequence[RuleFault] = ()


def _read(raw: rule_editor.Raw, scope: Scope) -> _Reading:
    try:
        return _Reading(group=saving.check(raw, scope))
    except InvalidRules as wrong:
        return _Reading(faults=wrong.faults)


def _groups(scope: Scope) -> list[tuple[str, list[Subject]]]:
    """Return the subjects under their headings, for a select."""
    found: dict[str, list[Subject]] = {}
    for subject in scope.subjects.values():
        found.setdefault(str(subject.group), []).append(subject)
    return list(found.items())


def _panel(reading: _Reading, scope: Scope, *, wait: bool = False) -> dict[str, Any] | None:
    """Return how many people fit and a few of them; None where the rules can't be read yet.

    Of many people it is an estimate, and the page asks for the number itself (``wait``). Where that
    can't be had, the estimate stays beside the reason.
    """
    group = reading.group
    if group is None:
        return None
    about = None if wait else _about(group, scope)
    if about is not None:
        return about
    try:
        found = members.count(scope, group)
        samples = members.samples(scope, group, most=found.people)
    except InvalidRules as wrong:
        return {**(_about(group, scope) or {}), "trouble": wrong.faults[0].message}
    return {"count": found, "samples": samples}


def _about(group: RuleGroup, scope: Scope) -> dict[str, Any] | None:
    """Return an estimate and what counting these rules exactly needs; None: count them at once."""
    samples: list[members.Sample] = []
    try:
        found = estimating.estimate(scope, group)
    except members.TooMuch:  # the exact count has more time
        found = None
    else:
        if found is None:
            return None
        people = Subscriber.objects.filter(workspace=scope.workspace, pk__in=found.examples)
        samples = members.with_facts(group, list(people.order_by("-pk")))
    values = {"rules": json.dumps(tree.write(group)), "segment": next(iter(scope.inside), "")}
    return {"estimate": found, "samples": samples, "exactly": values}


def _chart(segment: Segment) -> dict[str, Any] | None:
    rows = SegmentDay.objects.filter(segment=segment).order_by("-day")[:CHART_DAYS]
    days = list(rows)[::-1]
    if len(days) < 2:  # noqa: PLR2004 - one point is no line
        return None
    values = [day.count for day in days]
    return {
        "kind": "line",
        "categories": [date_format(day.day, "j M") for day in days],
        "series": [{"name": _("People"), "values": values, "tone": "sent", "area": True}],
    }


def _scope(request: MemberRequest) -> Scope:
    """Return the scope of the segment that a partial's form is about."""
    own = row_number(request.POST.get("segment", ""))
    segment = Segment.objects.filter(workspace=request.workspace, pk=own or 0).first()
    return saving.scope_of(segment or Segment(workspace=request.workspace))


@require_POST
@member(Permission.EDIT)
def segment_rows(request: MemberRequest) -> HttpResponse:
    """Draw the rows anew after a rule was added, changed or removed; stores nothing."""
    scope = _scope(request)
    raw, focus = rule_editor.change(
        rule_editor.from_form(request.POST, scope.subjects),
        request.POST.get("do", ""),
        scope.subjects,
    )
    context = {
        "box": rule_editor.draw(raw, scope.subjects),
        "groups": _groups(scope),
        "focus": focus,
    }
    response = render(request, "subscribers/_segment_rules.html", context)
    response["HX-Trigger"] = "rules-changed"
    return response


@require_POST
@member(Permission.VIEW)
def segment_preview(request: MemberRequest) -> HttpResponse:
    """Count who fits the rules as they stand in the form, of many people about; stores nothing."""
    scope = _scope(request)
    panel = _panel(_read(rule_editor.from_form(request.POST, scope.subjects), scope), scope)
    return render(request, "subscribers/_segment_panel.html", {"panel": panel})


@require_POST
@member(Permission.VIEW)
def segment_exactly(request: MemberRequest) -> HttpResponse:
    """Count exactly who fits the rules that an estimate was shown for."""
    scope = _scope(request)
    reading = _read(_given(request.POST.get("rules", "")), scope)
    panel = _panel(reading, scope, wait=True)
    if reading.group and panel and "count" in panel:
        own = Segment.objects.filter(workspace=request.workspace, pk__in=scope.inside).first()
        saving.note(own or Segment(), reading.group, panel["count"])
    return render(request, "subscribers/_segment_panel.html", {"panel": panel})


def _given(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None  # no rules, and said so as of any others that can't be read


@require_POST
@member(Permission.EDIT)
@once
def segment_duplicate(request: MemberRequest, segment_id: int) -> HttpResponse:
    """Make a copy and open it."""
    copy = saving.duplicate(own(request, Segment, segment_id), by=request.user)
    messages.success(request, _("This is the copy. Give it a name of its own."))
    return redirect("segment_page", copy.pk)


@require_POST
@member(Permission.VIEW)
def segment_count(request: MemberRequest, segment_id: int) -> HttpResponse:
    """Count a segment now; of many people in the background."""
    segment = own(request, Segment, segment_id)
    if members.size(request.workspace) >= estimating.MANY:
        tasks.count_segment.delay(segment.pk)
        text = _("“%(name)s” is being counted. The number stands here in a moment.")
        messages.success(request, text % {"name": segment.name})
        return redirect("segment_list")
    try:
        saving.recount(segment)
    except InvalidRules as wrong:
        values = {"name": segment.name, "why": wrong.faults[0].message}
        messages.error(request, _("“%(name)s” can't be counted: %(why)s") % values)
    return redirect("segment_list")


@member(Permission.EDIT)
def segment_delete(request: MemberRequest, segment_id: int) -> HttpResponse:
    """Delete a segment after asking; refused while something uses it."""
    segment = own(request, Segment, segment_id)
    if request.method == "POST":
        try:
            saving.delete(segment)
        except usage.InUse as used:
            values = {"places": ", ".join(use.name for use in used.uses)}
            messages.error(request, _("It is used in %(places)s, so it stays.") % values)
            return redirect("segment_page", segment.pk)
        messages.success(request, _("The segment is gone. Nobody in it was changed."))
        return redirect("segment_list")
    uses = usage.of_segment(segment)
    return render(request, "subscribers/segment_delete.html", {"segment": segment, "uses": uses})
