"""The home page: how it goes, what comes next, what needs attention."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
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
SMALLEST_SHOWN = 0.05  # points: less is shown as 0.0
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


def _periods(days: int) -> list[dict[str, object]]:
    words = {30: _("30 d"), 90: _("90 d"), 365: _("1 y")}
    return [{"label": words[one], "href": f"?days={one}", "active": one == days} for one in RANGES]


def _tone(change: float | None, *, less_is_better: bool = False) -> str:
    """Return how a change is coloured; none that rounds to nothing."""
    if change is None or abs(change) < SMALLEST_SHOWN:
        return ""
    return "good" if (change > 0) != less_is_better else "bad"


def _kpis(
    now: home.Period, before: home.Period, rates: list[dict[str, float]]
) -> list[dict[str, object]]:
    """Return the rates of thirty days, each with its change in points and its weeks."""
    left = ngettext("%(num)s person", "%(num)s people", now.unsubscribed)
    words = {
        "delivered": (_("Delivered"), _("of %(n)s sent") % {"n": _number(now.sent)}),
        "opened": (_("Human opens"), ""),
        "clicked": (_("Clicks"), _("scanners left out")),
        "unsubscribed": (_("Unsubscribed"), left % {"num": now.unsubscribed}),
    }
    found: list[dict[str, object]] = []
    for key, (label, note) in words.items():
        change = home.change(now.rate(key), before.rate(key))
        found.append(
            {
                "label": label,
                "rate": now.rate(key),
                "digits": 2 if key == "unsubscribed" else 1,
                "change": change,
                "tone": _tone(change, less_is_better=key == "unsubscribed"),
                "note": note,
                "proxies": now.rate("proxy_opened") if key == "opened" else None,
                "spark": [week[key] for week in rates],
            }
        )
    return found


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)


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
    steps_done = sum(step.done for step in steps)
    gained = now.joined - now.left
    context = {
        "greeting": _greeting(request.user.name),
        "subscribers": subscribers,
        "new": {"people": gained, "tone": _tone(gained)},
        "kpis": _kpis(now, before, home.recent_rates(workspace)),
        "growth_spark": [point["subscribers"] for point in home.growth(workspace, days=30)],
        "chart_spec": _growth_chart(workspace, days),
        "periods": _periods(days),
        "checklist_items": _checklist_items(steps, request.membership.role),
        "steps_done": steps_done,
        "shows_checklist": steps_done < len(steps) and not workspace.checklist_dismissed,
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
