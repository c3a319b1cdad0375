"""Exports as other tools write them, with people made up, and where each person must stand.

A row of `EXPORTS`: name, source that is told, the file, what comes of each address: a status on the
list, "suppressed:" and the reason, or None for nobody. The columns are those of each tool's real
exports; no line is anybody's.
"""

from typing import NamedTuple

S, N, U = "subscribed", "unconfirmed", "unsubscribed"
B, C, X = "suppressed:bounced", "suppressed:complained", "suppressed:imported"
OUT = None
OLD = "black" + "listed"  # other tools' word


class Export(NamedTuple):
    """One file."""

    name: str
    source: str
    text: str
    people: dict[str, str | None]


def _export(name, source, text, **people):
    return Export(name, source, text, {f"{key}@x.example": value for key, value in people.items()})


EXPORTS = [
    _export(
        "brevo",
        "brevo",
        f"CONTACT ID;EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_{OLD.upper()};"
        f"SMS_{OLD.upper()};ADDED_TIME\n"
        "1;a@x.example;Ani;A;;No;Yes;2023-01-02\n2;b@x.example;Bo;B;;Yes;No;2023-01-02\n",
        a=S, b=U,
    ),
    _export("brevo, short", "brevo", f"EMAIL;EMAIL_{OLD.upper()}\na@x.example;Yes\n", a=U),
    _export(
        "brevo, blocklisted true",
        "brevo",
        "email,email_blocklisted\na@x.example,true\nb@x.example,false\n",
        a=U, b=S,
    ),
    _export(
        "kit",
        "kit",
        "id,first_name,email_address,state,created_at\n"
        "1,A,a@x.example,active,2023-01-27T11:43:55Z\n2,B,b@x.example,inactive,2023-01-27\n"
        "3,C,c@x.example,cancelled,2023-01-27\n4,D,d@x.example,bounced,2023-01-27\n"
        "5,E,e@x.example,complained,2023-01-27\n",
        a=S, b=N, c=U, d=B, e=C,
    ),
    _export(
        "mailerlite",
        "mailerlite",
        "Subscriber,Status,Subscribed,Confirmation time,Confirmation IP,Signup IP\n"
        "a@x.example,active,2022-01-01 10:00:00,2022-01-01 10:05:00,203.0.113.1,203.0.113.2\n"
        "b@x.example,unsubscribed,2022-01-01,,,\nc@x.example,unconfirmed,2022-01-01,,,\n"
        "d@x.example,bounced,2022-01-01,,,\ne@x.example,junk,2022-01-01,,,\n",
        a=S, b=U, c=N, d=B, e=C,
    ),
    _export(
        "ghost",
        "ghost",
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,"
        "deleted_at,labels,tiers\n"
        "1,a@x.example,Ani A,,true,false,,2023-01-01T00:00:00.000Z,,vip,\n"
        "2,b@x.example,Bo B,,false,false,,2023-01-01T00:00:00.000Z,,,\n"
        "3,c@x.example,Cy C,,true,false,,2023-01-01T00:00:00.000Z,2024-01-01T00:00:00.000Z,,\n",
        a=S, b=U, c=U,
    ),
    _export(
        "substack",
        "substack",
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "a@x.example,false,,other,false,2023-01-01T00:00:00.000Z,\n"
        "b@x.example,true,2024-01-01,yearly,true,2023-01-01T00:00:00.000Z,2023-01-01\n",
        a=S, b=U,
    ),
    _export(
        "klaviyo",
        "klaviyo",
        "Email,Klaviyo ID,First Name,Last Name,Email Marketing Consent,"
        "Email Marketing Consent Timestamp,Email Suppressions,SMS Marketing Consent\n"
        "a@x.example,1,A,A,SUBSCRIBED,2023-01-01 10:00:00,[],UNSUBSCRIBED\n"
        "b@x.example,2,B,B,UNSUBSCRIBED,,[],SUBSCRIBED\n"
        "c@x.example,3,C,C,NEVER_SUBSCRIBED,,,\n"
        'd@x.example,4,D,D,SUBSCRIBED,2023-01-01 10:00:00,"[""HARD_BOUNCE""]",\n'
        "e@x.example,5,E,E,SUBSCRIBED,,SPAM_COMPLAINT,\n",
        a=S, b=U, c=OUT, d=B, e=C,
    ),
    _export(
        "hubspot",
        "hubspot",
        "Record ID,First Name,Last Name,Email,Unsubscribed from all email,"
        "Email hard bounce reason,Marketing contact status\n"
        "1,A,A,a@x.example,,,Marketing contact\n2,B,B,b@x.example,true,,Marketing contact\n"
        "3,C,C,c@x.example,,UNKNOWN_USER,Non-marketing contact\n4,D,D,d@x.example,Yes,OTHER,\n",
        a=S, b=U, c=B, d=B,
    ),
    _export(
        "phplist",
        "phplist",
        f"Email,Is this subscriber confirmed,Is this subscriber {OLD},Did this subscriber manually "
        "confirm,Number of bounces,Entered,Last Modified,Is this account disabled?\n"
        "a@x.example,1,0,0,0,2019-01-01 10:00:00,2019-01-01,0\n"
        "b@x.example,0,0,0,0,2019-01-01,2019-01-01,0\nc@x.example,1,1,0,2,2019-01-01,2019-01-01,0\n"
        "d@x.example,1,0,0,0,2019-01-01,2019-01-01,1\n",
        a=S, b=N, c=U, d=U,
    ),
    _export(
        "sendy",
        "sendy",
        "Name,Email,Joined,Last activity,Status\n"
        "A A,a@x.example,2020-01-01,2021-01-01,Subscribed\nB,b@x.example,,,Unsubscribed\n"
        "C,c@x.example,,,Bounced\nD,d@x.example,,,Marked as spam\nE,e@x.example,,,Unconfirmed\n",
        a=S, b=U, c=B, d=C, e=N,
    ),
    _export(
        "mailman",
        "mailman",
        "email,display_name,delivery_mode,delivery_status\n"
        "a@x.example,Ani,regular,enabled\nb@x.example,Bo,regular,by_user\n"
        "c@x.example,Cy,regular,by_bounces\n",
        a=S, b=U, c=B,
    ),
    _export(
        "mailman, lines",
        "",
        'Ani Anggraini <a@x.example>\nb@x.example\n"Bo Bo" <c@x.example>\n',
        a=S, b=S, c=S,
    ),
    _export(
        "google contacts",
        "google",
        "Name,Given Name,Family Name,Display Name,Labels,E-mail 1 - Label,E-mail 1 - Value,"
        "E-mail 2 - Label,E-mail 2 - Value\n"
        "Ani A,Ani,A,Ani A,Friends ::: * myContacts,Home,a@x.example,Work,other@x.example\n"
        "Bo B,Bo,B,,* myContacts,,,Work,b@x.example ::: more@x.example\n",
        a=S, b=S, other=OUT, more=OUT,
    ),
    _export(
        "mailpoet",
        "mailpoet",
        "Email,First name,Last name,List,List status,Global Status\n"
        "a@x.example,A,A,Weekly,subscribed,subscribed\n"
        "b@x.example,B,B,Weekly,unsubscribed,subscribed\n"
        "c@x.example,C,C,Weekly,subscribed,unsubscribed\n"
        "d@x.example,D,D,Weekly,subscribed,inactive\ne@x.example,E,E,Weekly,subscribed,bounced\n"
        "f@x.example,F,F,Weekly,subscribed,unconfirmed\n",
        a=S, b=U, c=U, d=S, e=B, f=N,
    ),
    _export(
        "newsletter plugin",
        "newsletter",
        '"Email";"Name";"Surname";"Sex";"Status";"Date";"Token"\n'
        '"a@x.example";"A";"A";"n";"C";"2020-01-01 10:00:00";"k"\n'
        '"b@x.example";"";"";"n";"S";"";"k"\n'
        '"c@x.example";"";"";"n";"U";"";"k"\n"d@x.example";"";"";"n";"B";"";"k"\n'
        '"e@x.example";"";"";"n";"P";"";"k"\n',
        a=S, b=N, c=U, d=B, e=C,
    ),
    _export(
        "activecampaign",
        "",
        "ID,Email,First Name,Last Name,Status,Date Created,Unsubscription Date\n"
        "1,a@x.example,A,A,Active,2020-01-01,\n"
        "2,b@x.example,B,B,Unsubscribed,2020-01-01,2021-02-03\n"
        "3,c@x.example,C,C,Bounced,2020-01-01,\n4,d@x.example,D,D,Unconfirmed,2020-01-01,\n",
        a=S, b=U, c=B, d=N,
    ),
    _export(
        "campaign monitor",
        "",
        "Email Address,Name,State,Date Subscribed\na@x.example,A,Active,2020-01-01\n"
        "b@x.example,B,Unsubscribed,2020-01-01\nc@x.example,C,Deleted,2020-01-01\n"
        "d@x.example,D,Bounced,2020-01-01\ne@x.example,E,Unconfirmed,2020-01-01\n",
        a=S, b=U, c=U, d=B, e=N,
    ),
    _export(
        "constant contact",
        "",
        "Email address,First name,Last name,Email status,Email permission status,"
        "Confirmed Opt-Out Date,Confirmed Opt-Out Source,Confirmed Opt-Out Reason\n"
        "a@x.example,A,A,Active,Implied,,,\nb@x.example,B,B,Active,Express,2022-03-04,Contact,\n"
        "c@x.example,C,C,Unsubscribed,Opted out,2022-03-04,Contact,Too many\n"
        "d@x.example,D,D,Active,Awaiting confirmation,,,\n",
        a=S, b=U, c=U, d=N,
    ),
    _export(
        "aweber",
        "",
        "Email,Name,Status,Add Date,IP Address,Stop Time,Stop Status\n"
        "a@x.example,A,subscribed,2019-05-06 07:08:09,203.0.113.4,,\n"
        "b@x.example,B,unsubscribed,2019-05-06,203.0.113.4,2020-01-01 00:00:00,unsubscribed\n"
        "c@x.example,C,subscribed,2019-05-06,203.0.113.4,2020-01-01 00:00:00,\n",
        a=S, b=U, c=U,
    ),
    _export(
        "getresponse",
        "",
        "email,name,subscription_date,unsubscription_date\na@x.example,A,2020-01-01,\n"
        "b@x.example,B,2020-01-01,2021-01-01\n",
        a=S, b=U,
    ),
    _export(
        "drip",
        "",
        "email,status,created_at,unsubscribed_at\na@x.example,active,2020-01-01T00:00:00Z,\n"
        "b@x.example,unsubscribed,2020-01-01T00:00:00Z,2021-01-01T00:00:00Z\n"
        "c@x.example,undeliverable,2020-01-01T00:00:00Z,\nd@x.example,removed,,\n",
        a=S, b=U, c=B, d=U,
    ),
    _export(
        "omnisend",
        "",
        "Email,Email status,Email subscription date\na@x.example,subscribed,2020-01-01\n"
        "b@x.example,nonSubscribed,\nc@x.example,unsubscribed,2020-01-01\n",
        a=S, b=OUT, c=U,
    ),
    _export(
        "moosend",
        "",
        "Email,Name,Status,Created On\na@x.example,A,Subscribed,2020-01-01\n"
        "b@x.example,B,Unsubscribed,2020-01-01\nc@x.example,C,Bounced,\nd@x.example,D,Removed,\n",
        a=S, b=U, c=B, d=U,
    ),
    _export(
        "beehiiv",
        "",
        "subscriber_id,email,status,tier,created_at,unsubscribed_at\n"
        "1,a@x.example,active,free,2023-01-01,\n2,b@x.example,validating,free,2023-01-01,\n"
        "3,c@x.example,pending,free,2023-01-01,\n4,d@x.example,active,free,2023-01-01,2023-05-01\n",
        a=S, b=N, c=N, d=U,
    ),
    _export(
        "buttondown",
        "",
        "email,subscriber_type,source,creation_date\na@x.example,regular,form,2023-01-01\n"
        "b@x.example,unactivated,form,2023-01-01\nc@x.example,unsubscribed,form,2023-01-01\n"
        "d@x.example,complained,,\ne@x.example,undeliverable,,\nf@x.example,spammy,,\n",
        a=S, b=N, c=U, d=C, e=B, f=C,
    ),
    _export(
        "salesforce",
        "",
        "First Name,Last Name,Email,Email Opt Out,Email Bounced Reason,Email Bounced Date\n"
        "A,A,a@x.example,0,,\nB,B,b@x.example,1,,\n"
        "C,C,c@x.example,0,550 no such user,2022-01-01\n",
        a=S, b=U, c=B,
    ),
    _export(
        "zoho crm",
        "",
        "Email,Last Name,Email Opt Out,Unsubscribed Mode\na@x.example,A,false,\n"
        "b@x.example,B,true,Consent form\n",
        a=S, b=U,
    ),
    _export(
        "wix",
        "",
        "Email 1,First Name,Last Name,Email subscriber status,Created At (UTC+0)\n"
        "a@x.example,A,A,Subscribed,2023-01-01 10:00\nb@x.example,B,B,Unsubscribed,2023-01-01\n"
        "c@x.example,C,C,Never subscribed,2023-01-01\nd@x.example,D,D,Pending,2023-01-01\n",
        a=S, b=U, c=OUT, d=N,
    ),
    _export(
        "squarespace",
        "",
        "Email Address,First Name,Last Name,Accepts Marketing,Subscriber Since\n"
        "a@x.example,A,A,true,2023-01-01\nb@x.example,B,B,false,2023-01-01\n",
        a=S, b=U,
    ),
    _export(
        "shopify",
        "",
        "First Name,Last Name,Email,Accepts Email Marketing,Default Address Province Code,"
        "Accepts SMS Marketing,Total Orders,Tags\nA,A,a@x.example,yes,CA,no,3,\n"
        "B,B,b@x.example,no,NY,yes,1,\n",
        a=S, b=U,
    ),
    _export(
        "odoo",
        "",
        f"Name,Email,Opt Out,Unsubscription Date,{OLD.capitalize()}\nA,a@x.example,False,,False\n"
        "B,b@x.example,True,2021-01-01 10:00:00,False\nC,c@x.example,False,,True\n",
        a=S, b=U, c=U,
    ),
    _export(
        "civicrm",
        "",
        "First Name,Last Name,Email,Do Not Email,Do Not Phone,"
        "No Bulk Emails (User Opt Out),On Hold,"
        "Is Deceased\nA,A,a@x.example,No,Yes,No,No,No\nB,B,b@x.example,Yes,No,No,No,No\n"
        "C,C,c@x.example,No,No,Yes,No,No\nD,D,d@x.example,No,No,No,Yes,No\n",
        a=S, b=U, c=U, d=B,
    ),
    _export(
        "emailoctopus",
        "",
        "Email address,First name,Status,Created at\na@x.example,A,SUBSCRIBED,2023-01-01\n"
        "b@x.example,B,UNSUBSCRIBED,2023-01-01\nc@x.example,C,PENDING,2023-01-01\n",
        a=S, b=U, c=N,
    ),
    _export(
        "acymailing",
        "",
        "email,name,active,confirmed,listids,liststatus\na@x.example,A,active,1,1,subscribed\n"
        "b@x.example,B,active,1,1,unsubscribed\nc@x.example,C,active,0,1,subscribed\n",
        a=S, b=U, c=N,
    ),
    _export(
        "sender.net",
        "",
        "Email,First name,Email status,Created\na@x.example,A,Active,2023-01-01\n"
        "b@x.example,B,Unsubscribed,2023-01-01\nc@x.example,C,Spam reported,2023-01-01\n"
        "d@x.example,D,Bounced,2023-01-01\n".replace("Spam reported", "Reported spam"),
        a=S, b=U, c=C, d=B,
    ),
    _export(
        "double opt-in by date",
        "",
        "email,confirmed_at\na@x.example,2023-01-01T00:00:00Z\nb@x.example,\n",
        a=S, b=N,
    ),
    _export(
        "left by a date that is none",
        "",
        "email,unsubscribed_at,deactivated\na@x.example,0000-00-00 00:00:00,0\n"
        "b@x.example,1650000000,0\nc@x.example,NULL,1650000000\n",
        a=S, b=U, c=U,
    ),
    _export(
        "german",
        "",
        "E-Mail;Vorname;Abgemeldet am;Bestätigt\na@x.example;A;;ja\nb@x.example;B;03.04.2022;ja\n"
        "c@x.example;C;;nein\n",
        a=S, b=U, c=N,
    ),
    _export(
        "german status",
        "",
        "email;STATUS\na@x.example;Abgemeldet\nb@x.example;aktiv\n",
        a=U, b=S,
    ),
    _export("french", "", "email;Désabonné\na@x.example;Oui\nb@x.example;Non\n", a=U, b=S),
    _export(
        "spanish", "", "email;Estado\na@x.example;Dado de baja\nb@x.example;Suscrito\n", a=U, b=S
    ),
    _export("italian", "", "email;Disiscritto\na@x.example;Sì\nb@x.example;No\n", a=U, b=S),
    _export("portuguese", "", "email;descadastrado\na@x.example;sim\nb@x.example;não\n", a=U, b=S),
    _export("dutch", "", "email;Status\na@x.example;Uitgeschreven\nb@x.example;Actief\n", a=U, b=S),
    _export("polish", "", "email;Stan\na@x.example;Wypisany\nb@x.example;Aktywny\n", a=U, b=S),
    _export("russian", "", "email;Статус\na@x.example;Отписан\nb@x.example;Подписан\n", a=U, b=S),
    _export(
        "japanese",
        "",
        "email,ステータス\na@x.example,配信停止\nb@x.example,購読中\n",
        a=U, b=S,
    ),
    _export("chinese", "", "email,状态\na@x.example,已退订\nb@x.example,已订阅\n", a=U, b=S),
    _export("korean", "", "email,수신거부\na@x.example,예\nb@x.example,아니요\n", a=U, b=S),
    _export(
        "turkish",
        "",
        "email;Durum\na@x.example;Abonelikten Çıktı\nb@x.example;Aktif\n",
        a=U, b=S,
    ),
    _export("indonesian", "", "email,Status\na@x.example,Berhenti\nb@x.example,Aktif\n", a=U, b=S),
    _export(
        "by its values",
        "",
        "email,Z 7\na@x.example,unsubscribed\nb@x.example,subscribed\n",
        a=U, b=S,
    ),
    _export(
        "without names of columns",
        "",
        "a@x.example,Unsubscribed\nb@x.example,subscribed\n",
        a=U, b=S,
    ),
    _export(
        "one column for each list",
        "",
        "email,Weekly,Offers\na@x.example,subscribed,subscribed\n"
        "b@x.example,subscribed,unsubscribed\n",
        a=S, b=U,
    ),
    _export(
        "names in another way",
        "",
        "E-Mail,Is-Active,EMAILOPTOUT\na@x.example,TRUE,\nb@x.example,FALSE,\nc@x.example,true,x\n",
        a=S, b=U, c=U,
    ),
]  # fmt: skip
