"""What is wrong with a source while it is being typed; nothing is saved."""

from django.http import JsonResponse
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from campaigns.checks import linting
from campaigns.models import Template
from campaigns.states import ContentKind
from campaigns.views import editor


@member()
@require_POST
def content(request: MemberRequest, campaign_id: int) -> JsonResponse:
    """Check a campaign's content as it stands in the editor."""
    campaign = editor.find(request, campaign_id)
    kind = ContentKind(editor.content_of(campaign).kind)
    found = linting.content(request.POST.get("source", ""), kind, workspace=request.workspace)
    return JsonResponse({"findings": found})


@member()
@require_POST
def template(request: MemberRequest, template_id: int) -> JsonResponse:
    """Check a template's MJML as it stands in the editor."""
    own(request, Template, template_id)
    found = linting.template(request.POST.get("source", ""), workspace=request.workspace)
    return JsonResponse({"findings": found})
