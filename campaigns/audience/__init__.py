"""Who gets a campaign: `rule` is the audience, `verdicts` says for each person why not.

It may import `lifecycle` and below. Begin with `rule`.
"""
