"""Clicks lead to what the author wrote, and nowhere else."""

import pytest

from campaigns.models import Link
from campaigns.rendering.errors import ContentError
from campaigns.rendering.links import link_tags, link_target
from campaigns.rendering.stored import compile_and_store
from tests.campaigns.makers import make_campaign, make_list
from tests.campaigns.rendering.writings import values


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://a.example/?n={{ first_name }}&c={{ city|default('none') }}",
         "https://a.example/?n=Dewi%20%26%20Co&c=none"),
        ("{{ shop }}", "https://shop.example/?a=1&b=2"),
        ("{{ shop }}&utm=x", "https://shop.example/?a=1&b=2&utm=x"),
        ("{% if vip %}https://a.example/vip{% else %}https://a.example/{% endif %}",
         "https://a.example/"),
        ("{{ workspace.website }}/about", "https://kopisenja.example/about"),
        ("mailto:a@b.example?subject={{ first_name }}",
         "mailto:a@b.example?subject=Dewi%20%26%20Co"),
    ],
)  # fmt: skip
def test_a_click_leads_to_the_written_address(url, target):
    given = values(first_name="Dewi & Co", shop="https://shop.example/?a=1&b=2", vip=False)
    assert link_target(url, given) == target


@pytest.mark.parametrize(
    ("url", "shop"),
    [
        ("{{ shop }}", "javascript:alert(1)"),
        ("{{ shop }}", "//evil.example"),
        ("{{ shop }}", ""),
        ("{{ shop }}", "data:text/html,x"),
        ("{{ shop }}", "https://"),
        ("javascript:{{ shop }}", "x"),
        ("file:///etc/passwd", ""),
        ("https:{{ shop }}", ""),
        ("https://{{ shop }}", ""),
        ("https://[{{ shop }}", "x"),
    ],
)
def test_a_click_never_leads_to_harm(url, shop):
    with pytest.raises(ContentError):
        link_target(url, values(shop=shop))


def test_a_value_cannot_change_the_host():
    target = link_target("https://{{ city }}.a.example/", values(city="evil.example/?"))
    assert target.startswith("https://evil.example%2F%3F.a.example/")


def test_links_without_tags_need_no_subscriber():
    assert link_tags("https://a.example/") == frozenset()
    assert link_tags("https://a.example/{{ city }}") == {"city"}


@pytest.mark.django_db
def test_links_are_stored_and_later_versions_only_add(workspace):
    campaign = make_campaign(workspace, make_list(workspace))
    content = campaign.content
    content.source = "[a](https://a.example) [b](https://b.example)"
    content.save()
    compile_and_store(content)
    content.source = "[c](https://c.example) [b](https://b.example)"
    content.save()
    compile_and_store(content)
    compiled = compile_and_store(content)
    stored = list(Link.objects.filter(campaign=campaign).values_list("ordinal", "url"))
    assert stored == [(1, "https://a.example"), (2, "https://b.example"), (3, "https://c.example")]
    assert compiled.links == ("https://a.example", "https://b.example", "https://c.example")
    assert {"_link_2", "_link_3"} <= compiled.html.tags
    assert "_link_1" not in compiled.html.tags


@pytest.mark.django_db
def test_compiling_takes_a_constant_number_of_queries(workspace, django_assert_num_queries):
    campaign = make_campaign(workspace, make_list(workspace))
    content = campaign.content
    content.source = " ".join(f"[x](https://a.example/{n})" for n in range(200))
    content.save()
    # Campaign, links, workspace, fields; savepoint, lock, links once more, links written, release.
    with django_assert_num_queries(10):
        compile_and_store(content)
