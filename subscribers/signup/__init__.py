"""The way in for strangers: forms, what guards them, taking sign-ups in, confirming, the mails.

`signup` is the way itself, `guard`, `proof_of_work` and `brake` keep mischief away, `intake`
writes down first and works later, `texts` and `wording` are members' words in place of ours. It
may import `people` and below. Begin with `signup`.
"""
