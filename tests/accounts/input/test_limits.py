"""How often one may invite strangers by mail, and who may make workspaces."""

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import Invitation, Membership, Workspace
from accounts.team import team


def test_invitations_stop_after_twenty_an_hour_revoked_and_renewed_ones_counted(
    workspace, owner, monkeypatch
):
    monkeypatch.setattr(team, "MOST_INVITATIONS", 3)
    by = Membership.objects.get(workspace=workspace, user=owner)
    for email in ("a@example.org", "a@example.org", "b@example.org"):
        team.revoke(team.invite(workspace, email=email, role="editor", by=by))
    with pytest.raises(team.TeamError, match="3 invitations went out"):
        team.invite(workspace, email="c@example.org", role="editor", by=by)
    assert Invitation.objects.count() == 3


def test_the_limit_is_the_inviters_across_workspaces(cast, monkeypatch):
    monkeypatch.setattr(team, "MOST_INVITATIONS", 1)
    here = Membership.objects.get(workspace=cast.workspace, user=cast.owner)
    there = Membership.objects.create(workspace=cast.other_workspace, user=cast.owner, role="owner")
    team.invite(cast.workspace, email="a@example.org", role="editor", by=here)
    with pytest.raises(team.TeamError):
        team.invite(cast.other_workspace, email="b@example.org", role="editor", by=there)
    assert not mail.outbox


@pytest.mark.parametrize(
    ("who", "allowed"), [("owner", True), ("admin", False), ("analyst", False)]
)
def test_workspaces_are_made_by_owners_and_administrators(cast, signed_in, settings, who, allowed):
    client = signed_in(getattr(cast, who))
    client.post(reverse("workspace_new"), {"name": "Another"})
    assert Workspace.objects.filter(name="Another").exists() is allowed
    settings.ANYBODY_MAKES_WORKSPACES = True
    client.post(reverse("workspace_new"), {"name": "Open to all"})
    assert Workspace.objects.filter(name="Open to all").exists()
