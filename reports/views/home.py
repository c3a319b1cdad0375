"""The home page: how it goes, what comes next, what needs attention."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.models import Workspace
from accounts.roles import Permission
from accounts.workspaces.workspace_urls import may_open
from reports.campaign import cards
from reports.workspace import home, removal
from subscribers.directory import counts
from subscribers.models import Subscriber

RANGES = (30, 90, 365)
MORNING, AFTERNOON, EVENING = 4, 11, 18


def _greeting(name: str) -> str:
    first = name.split(maxsplit=1)[0] if name else ""
    hour = timezone.localtime().hour
    if MORNING <= hour < AFTERNOON:
        return _("Good morning, %(name)s") % {"name": first} if first else _("Good morning")
    if AFTERNOON <= hour < EVENING:
        return _("Good afternoon, %(name)s") % {"name": first} if first else _("Good afternoon")
    return _("Good evening, %(name)s") % {"name": first} if first else _("Good evening")


def _growth_chart(workspace: Workspace, days: int) -> dict[str, object]:
    points = home.growth(workspace, days=days)

    def percent(value: object) -> float | None:
        return None if value is None else round(float(value) * 100, 1)  # type: ignore[arg-type]

    return {
        "kind": "line",
        "categories": [date_format(point["day"], "j M") for point in points],  # type: ignore[arg-type]
        "right_unit": " %",
        "series": [
            {
                "name": _("Subscribers"),
                "values": [point["subscribers"] for point in points],
                "tone": "sent",
                "type": "line",
                "area": True,
            },
            {
                "name": _("Human opens"),
                "values": [percent(point["opened"]) for point in points],
                "tone": "waiting",
                "type": "bar",
                "axis": "right",
            },
            {
                "name": _("Privacy proxies"),
                "values": [percent(point["proxy_opened"]) for point in points],
                "tone": "planned",
                "type": "bar",
                "axis": "right",
            },
        ],
    }


def _checklist_items(steps: list[home.ChecklistStep], role: str) -> list[dict[str, object]]:
    words = {
        "account": (
            _("Connect a sending account"),
            _("Until then, mail goes to the sandbox."),
            _("Connect"),
        ),
        "address": (
            _("Postal address"),
            _("It appears at the bottom of every email."),
            _("Add it"),
        ),
        "people": (_("Import subscribers"), _("A CSV file, or a signup form."), _("Import")),
        "template": (_("Choose a template"), _("Yours or one of the starters."), _("Look")),
        "test": (_("Send a test email"), _("To see it arrive."), _("Test")),
        "campaign": (_("Send your first campaign"), _("Write it, look, send."), _("Write")),
    }
    moving = reverse("migration_list") if may_open(role, "migration_list") else ""
    return [
        {
            "label": words[step.key][0],
            "note": words[step.key][1],
            "button": words[step.key][2],
            "done": step.done,
            "href": _place_of(step) if may_open(role, step.url_name) else "",
            "other": moving if step.key == "people" else "",
            "other_label": _("Migrate from another tool"),
        }
        for step in steps
    ]


def _place_of(step: home.ChecklistStep) -> str:
    return reverse(step.url_name, args=step.args) + (f"#{step.place}" if step.place else "")


@member(Permission.VIEW)
def home_page(request: MemberRequest) -> HttpResponse:
    """Show KPIs, growth, checklist, campaigns, and what failed lately."""
    workspace = request.workspace
    days = (
        int(request.GET["days"])
        if request.GET.get("days") in {str(days) for days in RANGES}
        else 90
    )
    now, before = home.periods(workspace)
    subscribers = counts.subscribed(workspace)
    has_people = Subscriber.objects.filter(workspace=workspace).exists()
    steps = home.checklist(workspace, has_people=has_people)
    context = {
        "greeting": _greeting(request.user.name),
        "subscribers": subscribers,
        "now": now,
        "before": before,
        "change": home.change,
        "rates": home.recent_rates(workspace),
        "growth_spark": [point["subscribers"] for point in home.growth(workspace, days=30)],
        "chart_spec": _growth_chart(workspace, days),
        "days": days,
        "ranges": RANGES,
        "steps": steps,
        "checklist_items": _checklist_items(steps, request.membership.role),
        "steps_done": sum(step.done for step in steps),
        "cards": cards.newest(workspace, limit=5),
        "failures": cards.recent_failures(workspace, limit=5),
    }
    return render(request, "reports/home.html", context)


@require_POST
@member(Permission.OWN)
def demo_remove(request: MemberRequest) -> HttpResponse:
    """Take the demo workspace out with everything in it; only demos go this way."""
    if request.workspace.is_demo:
        removal.remove(request.workspace)
    return redirect("home")
