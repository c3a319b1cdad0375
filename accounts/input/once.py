"""One press is one act: by key, mouse, double click, reload and back.

Django masks the CSRF token anew for every form that it draws, so the token that a form sends back
tells one drawn form from another. What makes something notes it with what was sent; the same once
more leads to where the first led and makes nothing. With something else typed (after *Back*) it is
another act.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils import timezone

from accounts.models import Press

Row = TypeVar("Row")
KEPT = timedelta(days=2)
TRIES = 20  # names that others take at the same moment


def once(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a view that makes something do it once for each drawn form; below `member`.

    The view runs in a transaction and answers with a redirect when it made something. Who presses
    twice at the same moment waits for the first.
    """

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or not request.POST.get("csrfmiddlewaretoken"):
            return view(request, *args, **kwargs)
        with transaction.atomic():
            press, is_first = Press.objects.get_or_create(digest=_digest(request))
            if not is_first:
                return HttpResponseRedirect(press.location)
            answer = view(request, *args, **kwargs)
            if isinstance(answer, HttpResponseRedirect):
                Press.objects.filter(pk=press.pk).update(location=answer.url)
            else:
                press.delete()
            Press.objects.filter(at__lt=timezone.now() - KEPT).delete()
        return answer

    return guarded


def _digest(request: HttpRequest) -> str:
    sent = sorted((name, values) for name, values in request.POST.lists())
    files = [
        (name, [(file.name, file.size) for file in request.FILES.getlist(name)])
        for name in sorted(request.FILES)
    ]
    whole = repr((request.user.pk, request.get_full_path(), sent, files))
    return hashlib.sha256(whole.encode()).hexdigest()


def under_free_name(
    wanted: str, *, taken: Callable[[], set[str]], make: Callable[[str], Row]
) -> Row:
    """Make a row under a name that is free, with a number if need be, however close others come.

    ``make`` raises IntegrityError when the name is taken.
    """
    for _attempt in range(TRIES):
        known, name, number = taken(), wanted, 2
        while name in known:
            name, number = f"{wanted} {number}", number + 1
        try:
            with transaction.atomic():
                return make(name)
        except IntegrityError:
            continue  # somebody took it between the look and the write
    raise RuntimeError("No free name was found.")
