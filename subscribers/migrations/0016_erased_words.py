"""An erasure may take an address out of the words of the ledger of consent."""

from django.db import migrations

LEDGER = """
CREATE OR REPLACE FUNCTION subscribers_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Erasure (a person's right, or a whole workspace's end) says so in its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('warta.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;{words}
    -- Two people who are one: their events follow them, and nothing else of them changes.
    IF TG_OP = 'UPDATE' AND current_setting('warta.merging', true) = 'on'
        AND to_jsonb(NEW) - 'subscriber_id' = to_jsonb(OLD) - 'subscriber_id' THEN
        RETURN NEW;
    END IF;
    IF current_setting('warta.retaining', true) = 'on' THEN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.ip IS NULL AND NEW.user_agent = ''
                AND to_jsonb(NEW) - 'ip' - 'user_agent' = to_jsonb(OLD) - 'ip' - 'user_agent'
            THEN
                RETURN NEW;
            END IF;
        ELSIF NOT EXISTS (
            SELECT FROM subscribers_subscription subscription
            WHERE subscription.subscriber_id = OLD.subscriber_id
                AND (OLD.list_id IS NULL OR subscription.list_id = OLD.list_id)
                AND subscription.status <> 'unsubscribed'
        ){but_leaving} THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
BUT_LEAVING = """ AND (OLD.list_id IS NULL OR OLD.kind <> 'unsubscribed' OR EXISTS (
            SELECT FROM subscribers_consentevent later
            WHERE later.subscriber_id = OLD.subscriber_id AND later.list_id = OLD.list_id
                AND later.kind = OLD.kind AND (later.at, later.id) > (OLD.at, OLD.id)
        ))"""
WORDS = """
    -- And it may take an erased address out of the words of others' events.
    IF TG_OP = 'UPDATE' AND current_setting('warta.erasing', true) = 'on'
        AND to_jsonb(NEW) - 'detail' - 'user_agent' - 'mail'
            = to_jsonb(OLD) - 'detail' - 'user_agent' - 'mail'
    THEN
        RETURN NEW;
    END IF;"""


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0015_letters_of_sign_ups"),
    ]

    operations = [
        migrations.RunSQL(
            LEDGER.format(but_leaving=BUT_LEAVING, words=WORDS),
            LEDGER.format(but_leaving=BUT_LEAVING, words=""),
        ),
    ]
