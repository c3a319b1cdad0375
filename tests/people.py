"""The cast of the tests: people of the coffee roaster "Kopi Senja", and an outsider."""

from dataclasses import dataclass

from accounts.models import Membership, User, Workspace
from accounts.roles import Role

PASSWORD = "kopi-senja-di-teras-9"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everybody, and the two workspaces."""

    workspace: Workspace
    other_workspace: Workspace
    owner: User  # Sari owns Kopi Senja
    admin: User  # Made looks after its team and sending accounts
    editor: User  # Budi writes its campaigns
    analyst: User  # Citra reads its reports
    outsider: User  # Dewi owns another workspace, and may see nothing of this one


def make_cast() -> Cast:
    """Create the whole cast in the database."""
    workspace = make_workspace("Kopi Senja", slug="kopi-senja")
    other = make_workspace("Teh Pagi", slug="teh-pagi")
    return Cast(
        workspace=workspace,
        other_workspace=other,
        owner=make_member(workspace, Role.OWNER, name="Sari", email="sari@kopisenja.example"),
        admin=make_member(workspace, Role.ADMIN, name="Made", email="made@kopisenja.example"),
        editor=make_member(workspace, Role.EDITOR, name="Budi", email="budi@kopisenja.example"),
        analyst=make_member(workspace, Role.ANALYST, name="Citra", email="citra@kopisenja.example"),
        outsider=make_member(other, Role.OWNER, name="Dewi", email="dewi@tehpagi.example"),
    )


def make_workspace(name: str, *, slug: str) -> Workspace:
    """Create a workspace that has everything a campaign needs to be sent."""
    return Workspace.objects.create(
        name=name,
        slug=slug,
        postal_address="Jalan Malabar 7, Bandung 40262",
        time_zone="Asia/Jakarta",
    )


def make_member(workspace: Workspace, role: Role, *, name: str, email: str) -> User:
    """Create a user with a role in a workspace; the password is `PASSWORD`."""
    user = User.objects.create_user(email, PASSWORD, name=name)
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user
