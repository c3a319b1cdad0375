"""How long whole pages take on a large workspace: ``python -m benchmarks.pages``.

Home, the subscriber list (near and deep, filtered), search, and the counts of segments, each as a
signed-in member gets them, in one process without the network: the median of several, in
milliseconds. PAGES_SUBSCRIBERS and PAGES_MESSAGES choose the size (1,000,000 and 20,000,000 need
some ten gigabytes and half an hour to load); PAGES_DATA_DIR keeps the data for the next time.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._machine import figure

SUBSCRIBERS = int(os.environ.get("PAGES_SUBSCRIBERS", "1000000"))
MESSAGES = int(os.environ.get("PAGES_MESSAGES", "20000000"))
RUNS = 7
OF_LAST = {"subject": "activity", "operator": "opened_of_last", "least": 2, "of_last": 5}
CITIES = {"subject": "field:city", "operator": "one_of", "texts": ["Bandung", "Jakarta", "Bogor"]}


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        kept = os.environ.get("PAGES_DATA_DIR")
        folder = kept or stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        _measure(_load())


def _load() -> Any:
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User, Workspace
    from reports.demo import scale

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    found = Workspace.objects.filter(slug=scale.SLUG).first()
    if found is None:
        began = time.perf_counter()
        owner = User.objects.create_superuser("bench@example.org", "x", name="Bench")
        found = scale.load(owner=owner, subscribers=SUBSCRIBERS, messages=MESSAGES)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        figure("pages_load", time.perf_counter() - began, "s")
    return found


def _measure(workspace: Any) -> None:
    from django.test import Client

    from accounts.models import Membership
    from accounts.workspaces.workspace_urls import in_workspace

    client = Client()
    client.force_login(Membership.objects.filter(workspace=workspace)[0].user)

    address = partial(in_workspace, workspace)

    def page(name: str, **query: Any) -> Callable[[], Any]:
        where = address(name)
        return lambda: client.get(where, query)

    for name, call in _pages(workspace, page):
        _time(name, call)
    for name, rules in _segments(workspace):
        form = dict(_form(rules))
        _time(f"segment_estimate_{name}", partial(client.post, address("segment_preview"), form))
        given = {"rules": json.dumps(rules)}
        _time(f"segment_count_{name}", partial(client.post, address("segment_exactly"), given))


def _time(name: str, call: Callable[[], Any]) -> None:
    taken = []
    for _run in range(RUNS):
        began = time.perf_counter()
        answer = call()
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:  # noqa: PLR2004 - OK
            raise SystemExit(f"{name} answered {answer.status_code}")
    figure(f"pages_{name}", median(taken), "ms")


def _pages(workspace: Any, page: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    from subscribers.models import MailingList, Subscriber, Tag
    from subscribers.segments import saving

    people = Subscriber.objects.filter(workspace=workspace).order_by("-pk")
    deep = people.values_list("pk", flat=True)[people.count() * 9 // 10]
    rare = saving.create(workspace, name=f"Rare {time.time()}", rules=_rules(_rare()))
    common = saving.create(workspace, name=f"Common {time.time()}", rules=_rules(OF_LAST, CITIES))
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "list": {"list": MailingList.objects.get(workspace=workspace, name="Every tenth").pk},
        "list_and_status": {
            "list": MailingList.objects.get(workspace=workspace, name="Everybody").pk,
            "status": "unconfirmed",
        },
        "status": {"status": "unsubscribed"},
        "tag": {"tag": Tag.objects.get(workspace=workspace, name="Regular").pk},
        "rare_tag": {"tag": Tag.objects.get(workspace=workspace, name="Wholesale").pk},
        "segment": {"segment": common.pk},
        "rare_segment": {"segment": rare.pk},
    }
    yield "home", page("home")
    for name, chosen in filters.items():
        yield f"list_{name}", page("subscriber_list", **chosen)
        yield f"list_{name}_deep", page("subscriber_list", before=deep, **chosen)
    oldest = people.last()
    searches = {
        "common_name": "dewi",
        "one_letter": "a",
        "two_words": "sari gmail",
        "inside": "tor.exa",
        "number": f"{people.count() // 2}",
        "oldest_person": oldest.email[3:-3] if oldest else "",
        "nobody": "nobody.has.this",
    }
    for name, text in searches.items():
        yield f"search_{name}", page("subscriber_list", q=text)
    yield "search_top_bar", page("search", q="oldest")
    rare.delete()
    common.delete()


def _rare() -> dict[str, Any]:
    return {"subject": "address", "operator": "contains", "text": "777777"}


def _rules(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"version": 1, "match": match, "rules": list(rules)}


def _segments(workspace: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    from campaigns.models import Campaign, Link
    from subscribers.models import MailingList, Tag

    everybody = MailingList.objects.get(workspace=workspace, name="Everybody").pk
    campaigns = Campaign.objects.filter(workspace=workspace).order_by("pk")
    newest, oldest = campaigns.last(), campaigns.first()
    on_list = {"subject": "list", "operator": "subscribed", "lists": [everybody]}
    tagged = {
        "subject": "tag",
        "operator": "any",
        "tags": [Tag.objects.get(workspace=workspace, name="Regular").pk],
    }
    ordered = {"subject": "field:last_order", "operator": "in_last", "days": 90}
    yield "as_drawn", _rules(OF_LAST, CITIES, {"match": "any", "rules": [on_list, ordered]})
    yield "activity_city_list", _rules(OF_LAST, CITIES, on_list)
    yield "none_of_three", _rules(OF_LAST, CITIES, tagged, match="none")
    yield (
        "language_added_name",
        _rules(
            {"subject": "language", "operator": "one_of", "choices": ["id"]},
            {"subject": "added", "operator": "in_last", "days": 180},
            {"subject": "name", "operator": "contains", "text": "sari"},
        ),
    )
    if newest is None or oldest is None:  # PAGES_MESSAGES=0
        return
    link = Link.objects.get(campaign=newest).pk
    yield (
        "opened_tag_number",
        _rules(
            {"subject": "activity", "operator": "opened", "campaign": newest.pk},
            tagged,
            {"subject": "field:orders", "operator": "least", "number": 3},
        ),
    )
    yield (
        "clicked_link_not_opened_list",
        _rules(
            {"subject": "activity", "operator": "clicked_link", "link": link},
            {"subject": "activity", "operator": "not_opened", "campaign": oldest.pk},
            on_list,
        ),
    )
    yield (
        "sent_never_opened_provider",
        _rules(
            {"subject": "activity", "operator": "sent", "campaign": newest.pk},
            {"subject": "activity", "operator": "never_opened"},
            {"subject": "provider", "operator": "one_of", "choices": [1]},
        ),
    )


def _form(rules: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Write rules as the editor's form does."""
    nodes: list[str] = []
    fields: dict[str, Any] = {}

    def walk(rule: dict[str, Any]) -> None:
        number = len(nodes) + 1
        if "rules" in rule:
            nodes.append(f"+{number}")
            fields[f"match-{number}"] = rule["match"]
            for inner in rule["rules"]:
                walk(inner)
            nodes.append("-")
            return
        nodes.append(str(number))
        for name, value in rule.items():
            is_input = name not in {"subject", "operator"}
            fields[f"value-{number}-{name}" if is_input else f"{name}-{number}"] = (
                ", ".join(value) if name == "texts" else value
            )

    walk(rules)
    yield "node", nodes
    yield from fields.items()


if __name__ == "__main__":
    main()
