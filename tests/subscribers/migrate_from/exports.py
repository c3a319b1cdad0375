"""Files as other tools write them, after their documentation, with people made up."""

import io
import zipfile

TAIL = (
    "MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,"
    "TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES"
)
HEAD = "Email Address,First Name,Last Name,Birthday"
SUBSCRIBED = f"""{HEAD},{TAIL},TAGS
dewi@example.com,Dewi,Anggraini,03/14,4,"2019-03-01 10:15:00",203.0.113.7,"2019-03-01 10:20:11",203.0.113.8,-6.9,107.6,7,7,Asia/Jakarta,ID,JB,"2024-01-01 00:00:00",1001,aa01,"Met at the fair","""  # noqa: E501
SUBSCRIBED += '''"""vip"",""Kopi, arabika"""
'''
SUBSCRIBED += """budi@example.com,Budi,,,2,,,"2021-06-30 08:00:00",198.51.100.2,,,,,,,,"2024-01-01 00:00:00",1002,aa02,,
citra@example.com,"=HYPERLINK(""http://x"")",,,2,,,,,,,,,Mars/Olympus,,,,1003,aa03,,
left-here@example.com,Lina,,,2,"2018-01-01 00:00:00",,,,,,,,,,,,1004,aa04,,vip
gone@example.com,Gina,,,2,"2018-01-01 00:00:00",,,,,,,,,,,,1005,aa05,,
not an address,Nobody,,,2,,,,,,,,,,,,,1006,aa06,,
"""  # noqa: E501
UNSUBSCRIBED = f"""{HEAD},{TAIL},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,TAGS
eka@example.com,Eka,,,2,"2017-05-01 09:00:00",203.0.113.9,"2017-05-01 09:05:00",203.0.113.9,,,,,,,,"2020-02-02 00:00:00",1007,aa07,,"2020-02-02 12:00:00","February news",c77,"No longer interested",,
here@example.com,Hari,,,2,,,,,,,,,,,,,1008,aa08,,"2099-01-01 00:00:00",,,,,
"""  # noqa: E501
CLEANED = f"""{HEAD},{TAIL},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,TAGS
farid@example.com,Farid,,,1,,,,,,,,,,,,,1009,aa09,,"2022-09-09 01:02:03","September news",c88,
"""
NONSUBSCRIBED = f"""{HEAD},{TAIL},TAGS
shop@example.com,Shopper,,,1,,,,,,,,,,,,,1010,aa10,,
"""


def mailchimp_zip() -> bytes:
    """An audience export as Mailchimp mails it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("subscribed", SUBSCRIBED),
            ("unsubscribed", UNSUBSCRIBED),
            ("cleaned", CLEANED),
            ("nonsubscribed", NONSUBSCRIBED),
        ):
            archive.writestr(f"{name}_email_audience_export_5f1b9c.csv", text)
        archive.writestr("../../evil.txt", "nothing")
    return buffer.getvalue()


LISTMONK = """uuid,email,name,attributes,status,created_at,updated_at
6f0e,gita@example.com,Gita Wulan,"{""city"": ""Bandung"", ""cups"": 3, ""vip"": true, ""likes"": [""tea"", ""coffee""], ""a"": {""b"": 1}}",enabled,2023-01-02T03:04:05Z,2023-02-02T03:04:05Z
6f0f,hadi@example.com,hadi,"{""cups"": 2.5}",disabled,2023-01-02T03:04:05Z,2023-02-02T03:04:05Z
6f10,ika@example.com,Ika,{},blocklisted,2023-01-02T03:04:05Z,2023-02-02T03:04:05Z
6f11,joko@example.com,Joko,not json,enabled,2023-01-02T03:04:05Z,2023-02-02T03:04:05Z
"""  # noqa: E501
MAUTIC = """id,email,firstname,lastname,company,points,tags,preferred_locale,timezone,date_added,ip_addresses,do_not_contact,dnc_reason
1,kiki@example.com,Kiki,Amalia,Kopi Senja,12,vip|beta,id_ID,Asia/Makassar,2022-05-06 07:08:09,203.0.113.20,0,
2,lala@example.com,Lala,,,0,,fr,,2022-05-06 07:08:09,,1,asked by mail
3,momo@example.com,Momo,,,0,,,,2022-05-06 07:08:09,,2,550 no such user
4,nana@example.com,Nana,,,0,,,,2022-05-06 07:08:09,,,
"""  # noqa: E501
