"""The newsletter that is measured: two parts, 18 kB, ten tracked links and an open pixel."""

_PARAGRAPH = (
    "<p>The rains came late to the highlands of Gayo this year, and the cherries took their time."
    " What reached our roastery last week is small, dense and sweeter than anything we have cupped"
    " since the washing station was rebuilt.</p>"
)


def newsletter(*, size: int = 18_000) -> str:
    """Return HTML that makes a whole message of about ``size`` bytes."""
    links = "".join(
        f'<p><a href="https://kopisenja.example/stories/{number}?from=letter">Story {number}</a>'
        f" for {{{{ first_name }}}}</p>"
        for number in range(1, 11)
    )
    # Text and HTML part carry each paragraph once, so a paragraph counts almost twice.
    paragraphs = max(1, (size - 5_000) // (2 * len(_PARAGRAPH)))
    body = "<h1>Hello {{ first_name }} {{ last_name }}</h1>" + links + _PARAGRAPH * paragraphs
    return f"<html><head><title>Harvest</title></head><body>{body}</body></html>"
