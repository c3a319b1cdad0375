"""Single mails: the product's own, and tests of a campaign or of an account.

`email_backend` is Django's mail API over sending accounts, `direct_send` hands a few mails over
while somebody waits, `campaign_test` and `account_trial` are the two kinds of test, `test_limits`
says how many and to whom. It may import `accounts` and below. Begin with `direct_send`.
"""
