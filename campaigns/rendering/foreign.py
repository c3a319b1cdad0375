"""Merge tags of other tools, which would reach readers as they stand, and what they are here.

Each is recognised by its form and, where the form is common in ordinary text, by its name. What
stands in ``{% raw %}`` is meant as text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FIRST, _LAST, _NAME = "{{ first_name }}", "{{ last_name }}", "{{ name }}"
_EMAIL, _LEAVE, _PREFER = "{{ email }}", "{{ unsubscribe_url }}", "{{ preferences_url }}"
_VIEW, _COMPANY, _LANGUAGE = "{{ view_url }}", "{{ workspace.name }}", "{{ language }}"
_SITE, _POSTAL = "{{ workspace.website }}", "{{ workspace.postal_address }}"
NOTHING = ""

# By the letters of its name alone, in the order in which they are looked for.
_MEANINGS: tuple[tuple[str, str], ...] = (
    ("^(if|elseif|else|endif|end|each|unless|with)", "{% if … %}…{% endif %}"),
    ("manage|preference|updateprofile|updatelink|profile|modify|edit|optionslink", _PREFER),
    ("unsub|optout|asmgroup|cancelsubscription|leave|abmelde|desinscri", _LEAVE),
    ("webversion|webview|archive|mirror|viewinbrowser|browser|webcopy|viewurl|messageurl", _VIEW),
    (
        "listaddress|postaladdress|physicaladdress|companyaddress|senderinfo|address1",
        _POSTAL,
    ),
    ("^address$|organizationfulladdress|businessaddress|accountaddress|senderaddress", _POSTAL),
    ("company|organi[sz]ation|brandname|accountname|listname|sendername|businessname", _COMPANY),
    ("companywebsite|listurl|website|homeurl", _SITE),
    ("f(irst)?name|vorname|prenom|nombre|givenname|firstnam|name1", _FIRST),
    ("l(ast)?name|surname|nachname|familyname|apellido|nom$", _LAST),
    ("e?mail(address)?$|recipient(email)?$|subscriberemail", _EMAIL),
    ("language|locale", _LANGUAGE),
    ("name$", _NAME),
)

# Names that stand alone in one pair of brackets elsewhere: nobody writes those for readers.
_KNOWN = (
    r"(?:first|last|full|sur|user)?[ _-]?name|fname|lname|e-?mail(?:[ _-]?address)?|city|country"
    r"|unsubscribe(?:[ _-]?(?:url|link|text))?|unsubscription[ _-]?url|unsub|opt[ _-]?out"
    r"|web[ _-]?(?:version|view|copy)(?:[ _-]?(?:url|link|text))?|view[ _-]?in[ _-]?browser|mirror"
    r"|preferences(?:[ _-]?url)?|update[ _-]?profile|forward(?:[ _-]?url)?|subscribe[ _-]?url"
    r"|tracking_pixel|signature|usertrack|listowner|subscriber_\w{1,40}|list_\w{1,40}"
    r"|confirmation[ _-]?url|activation[ _-]?link|company(?:[ _-]?name)?|sender[ _-]?info"
)
_ENDING = r"[^{}\n]{1,80}\}\}"
_GO_FUNCTIONS = r"UnsubscribeURL|ManageURL|OptinURL|MessageURL|TrackView|TrackLink|L\.T|Date|Safe"
_OBJECTS = "customer|recipient|user|profile|message|Recipient|Sender|account|site|email"
_FORMS: tuple[tuple[str, str], ...] = (
    ("Mailchimp", r"\*\|[A-Za-z][^|*<>\n]{0,80}\|\*|\*%7C[A-Za-z][\w:-]{0,80}%7C\*"),
    ("Salesforce Marketing Cloud", r"%%=?[A-Za-z_][\w .:()\"'-]{0,80}=?%%"),
    ("Mailgun", r"%recipient(?:[._]\w{1,60})?%"),
    ("Mailgun", r"%(?:mailing_list_|tag_)?unsubscribe_(?:url|email)%"),
    ("ActiveCampaign", r"%(?=[A-Z_-]{0,40}[G-Z])[A-Z][A-Z0-9_-]{3,60}%"),
    ("SendGrid", r"<%\s?asm_\w{1,60}\s?%>"),
    ("MailerLite", r"\{\$[a-z_]\w{0,60}(?:\|[^{}\n]{0,80})?\}"),
    ("Mautic", r"\{(?:contact|lead|owner|company)field=[\w|. -]{1,80}\}"),
    ("AWeber", r"\{![a-z_][\w .]{0,60}\}"),
    ("Zoho Campaigns", r"\$\[[A-Za-z][^\[\]\n]{0,80}\]\$"),
    ("Moosend", r"#(?:recipient:\w{1,40}|unsubscribeLink|webVersion)#"),
    ("Mailjet", r"\[\[(?:data|var):[^\[\]\n]{1,80}\]\]"),
    ("Mailjet", r"\[\[(?:UNSUB_LINK|PERMALINK)_?\w{0,4}\]\]"),
    ("GetResponse", r"\[\[[a-z_][\w .:\"'-]{0,80}\]\]"),
    ("MailPoet", r"\[(?:subscriber|newsletter|link|date):[\w |:\"'.-]{1,80}\]"),
    ("Benchmark Email", r"\[contact_attribute:[^\[\]\n]{1,80}\]"),
    ("Emma", r"\[%\s?\w[^\[\]%\n]{0,80}%\]"),
    ("Sendy", r"\[[A-Za-z][\w ]{0,40},\s?fallback=[^\[\]\n]{0,80}\]"),
    ("Sendy", r"</?(?:webversion|unsubscribe|singleline|multiline)(?=[\s>/])[^<>]{0,80}>"),
    ("phpList or Sendy", rf"\[(?i:{_KNOWN})\](?![(\[:])"),  # not Markdown's links
    ("Mailman", r"%\(\w{1,40}\)s"),
    ("Ghost, Mautic or the like", rf"(?<![$\w{{])\{{(?i:{_KNOWN})\}}(?!\}})"),
    ("Ghost", rf"(?<![$\w{{])\{{(?i:{_KNOWN}),\s?[\"'][^{{}}\n]{{0,60}}[\"']\}}"),
    ("Postmark", r"\{\{\{\s?[\w:. ]{1,60}\}\}\}"),
    ("listmonk", r"\{\{-?\s?\.[A-Z][\w.]{0,60}\s?-?\}\}|@TrackLink\b"),
    ("listmonk", rf"\{{\{{-?\s?(?:{_GO_FUNCTIONS})\b[^{{}}\n]{{0,200}}\}}\}}"),
    ("Handlebars", rf"\{{\{{\s?[#/^>!]{_ENDING}"),
    ("Mailjet", rf"\{{\{{\s?var:{_ENDING}"),
    ("Klaviyo", r"\{%-?\s?(?:unsubscribe|manage_preferences|web_view)\w{0,30}[^{}%\n]{0,60}%\}"),
    ("Klaviyo", rf"\{{\{{\s?(?:person|organization|event)\.{_ENDING}"),
    ("Marketo", rf"\{{\{{\s?(?:lead|system|my|company)\.{_ENDING}"),
    ("Brevo", rf"\{{\{{\s?(?:contact|params)\.{_ENDING}"),
    ("Brevo", r"\{\{\s?(?:mirror|unsubscribe|update_profile|doubleoptin)\s?\}\}"),
    ("Kit", rf"\{{\{{\s?subscriber\.{_ENDING}"),
    ("another tool", rf"\{{\{{\s?(?:{_OBJECTS})\.{_ENDING}"),
)  # fmt: skip
_ANY = [(tool, re.compile(form)) for tool, form in _FORMS]
_RAW = re.compile(
    r"\{%[-+]?\s?raw\s?-?%\}[^{]*+(?:\{(?!%[-+]?\s?endraw)[^{]*+)*+"  # up to its end
)
_CODE = re.compile(r"<(style|script)(?=[\s>])", re.IGNORECASE)
_CODE_END = re.compile(r"</(?:style|script)(?=[\s>/])", re.IGNORECASE)
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_FALLBACK = re.compile(r"[|,]\s?|default=|fallback=")
_STARTS = re.compile(r"[*%<{$#\[@]")


@dataclass(frozen=True, slots=True)
class ForeignTag:
    """A tag that another ``tool`` fills; ``here`` is what does the same in a mail of ours."""

    source: str
    tool: str
    here: str
    line: int

    @property
    def looks_like_ours(self) -> bool:
        """Whether it is written in the brackets of ours."""
        return self.source.startswith(("{{", "{%"))


def found_in(text: str, *, limit: int = 20) -> Iterator[ForeignTag]:
    """Yield other tools' tags, each once."""
    seen: set[str] = set()
    position = 0
    bare = _RAW.sub(lambda raw: "\n" * raw[0].count("\n"), _without_code(text))
    while (start := _STARTS.search(bare, position)) and len(seen) < limit:
        position = start.end()
        for tool, form in _ANY:
            match = form.match(bare, start.start())
            if match is None:
                continue
            position = match.end()
            if match[0] not in seen:
                seen.add(match[0])
                line = bare.count("\n", 0, match.start()) + 1
                yield ForeignTag(match[0], tool, meaning(match[0]), line)
            break


def meaning(tag: str) -> str:
    """Return the tag of ours that does what another tool's does, "" when none is known."""
    name = _NOT_LETTERS.sub("", _FALLBACK.split(tag.strip("*|{}[]$%#<>! "))[0].lower())
    return next((here for pattern, here in _MEANINGS if re.search(pattern, name)), NOTHING)


def _without_code(text: str) -> str:
    """Blank out style sheets and scripts, which are full of brackets; lines stay."""
    out: list[str] = []
    position = 0
    while start := _CODE.search(text, position):
        end = _CODE_END.search(text, start.end())
        stop = end.start() if end else len(text)
        out += [text[position : start.end()], "\n" * text.count("\n", start.end(), stop)]
        position = stop
    return "".join(out) + text[position:]
