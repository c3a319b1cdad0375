"""What people call the encodings that files are usually in."""

from django.utils.translation import gettext_lazy as _

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": _("UTF-8 with a mark"),
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": _("Western (Windows-1252)"),
    "latin-1": _("Western (ISO-8859-1)"),
    "iso8859-15": _("Western with euro sign (ISO-8859-15)"),
    "mac-roman": _("Western (Mac)"),
    "cp850": _("Western (DOS 850)"),
    "cp1250": _("Central European (Windows-1250)"),
    "iso8859-2": _("Central European (ISO-8859-2)"),
    "mac-latin2": _("Central European (Mac)"),
    "cp852": _("Central European (DOS 852)"),
    "cp1251": _("Cyrillic (Windows-1251)"),
    "koi8-r": _("Cyrillic (KOI8-R)"),
    "koi8-u": _("Ukrainian (KOI8-U)"),
    "iso8859-5": _("Cyrillic (ISO-8859-5)"),
    "mac-cyrillic": _("Cyrillic (Mac)"),
    "cp866": _("Cyrillic (DOS 866)"),
    "cp1253": _("Greek (Windows-1253)"),
    "iso8859-7": _("Greek (ISO-8859-7)"),
    "cp1254": _("Turkish (Windows-1254)"),
    "iso8859-9": _("Turkish (ISO-8859-9)"),
    "cp1255": _("Hebrew (Windows-1255)"),
    "cp1256": _("Arabic (Windows-1256)"),
    "cp1257": _("Baltic (Windows-1257)"),
    "cp1258": _("Vietnamese (Windows-1258)"),
    "cp874": _("Thai (Windows-874)"),
    "cp932": _("Japanese (Windows-932)"),
    "shift-jis": _("Japanese (Shift_JIS)"),
    "euc-jp": _("Japanese (EUC-JP)"),
    "iso2022-jp": _("Japanese (ISO-2022-JP)"),
    "gb18030": _("Chinese (GB18030)"),
    "big5": _("Chinese (Big5)"),
    "cp949": _("Korean (Windows-949)"),
    "euc-kr": _("Korean (EUC-KR)"),
}


def encoding_label(name: str) -> str:
    """Name an encoding for people."""
    return str(ENCODINGS.get(name, name))
