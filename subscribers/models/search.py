"""What searching by a part of a name or address reads."""

from django.db import models

from accounts.models import Workspace


class SearchBlock(models.Model):
    """The folded names and addresses of the up to 64 people whose keys share ``id >> 6``.

    A copy that `subscribers.people.search` makes; read with `SearchMark`, which says what it lacks.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    block = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        verbose_name = "search block"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "block"], name="search_block_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.block}"


class SearchMark(models.Model):
    """A block whose people have changed since it was written; made by a trigger, only ever added.

    Adding takes no lock, so imports and sign-ups never wait for each other here.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    block = models.BigIntegerField()

    class Meta:
        verbose_name = "search mark"
        indexes = [models.Index(fields=["workspace", "block"], name="search_mark_by_block")]

    def __str__(self) -> str:
        return f"{self.workspace_id} · {self.block}"
