"""One folding of letter case for both sides of every comparison (`subscribers.folding`)."""

from importlib import import_module

from django.db import migrations

# Most values are ASCII and take the short way. An address has the collation C, in which only ASCII
# has a lower case.
FOLD_CASE = r"""
CREATE FUNCTION subscribers_fold_case(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(written) = length(written) THEN lower(written)
        ELSE replace(replace(
            translate(lower(normalize(written, NFKC) COLLATE "default"), 'ıς', 'iσ'),
            'ß', 'ss'), U&'i\0307', 'i')
    END
$$;
"""
# An import that is undone leaves what a later one gave, too: a word in the ledger, and no joining.
LIST_DAYS_BEFORE = import_module("subscribers.migrations.0014_wishes_that_last").LIST_DAYS
LIST_DAYS = LIST_DAYS_BEFORE.replace("'left_again')", "'left_again', 'given_again')")


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0018_imports_that_ask")]
    operations = [
        migrations.RunSQL(FOLD_CASE, "DROP FUNCTION subscribers_fold_case(text)"),
        migrations.RunSQL(LIST_DAYS, LIST_DAYS_BEFORE),
    ]
