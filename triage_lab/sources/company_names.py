"""Company names and mail domains in a form in which two systems' spellings of one customer meet."""

from __future__ import annotations

import re
import unicodedata

# Words that name a legal form, not a company; a name that is nothing else keeps them.
LEGAL_FORMS = frozenset({
    "ab", "ag", "as", "asa", "aps", "bv", "co", "company", "corp", "corporation", "eg", "ev", "gbr", "gmbh", "group",
    "holding", "holdings", "inc", "incorporated", "kft", "kg", "kgaa", "limited", "llc", "llp", "lp", "ltd", "ltda",
    "mbh", "nv", "ohg", "oy", "oyj", "plc", "pte", "pty", "pvt", "sa", "sarl", "sas", "se", "sl", "sp", "spa", "srl",
    "ug", "zoo",
})  # fmt: skip
# Hosts where anybody has an address: they say nothing about a company.
FREE_MAIL = frozenset({
    "aol.com", "fastmail.com", "gmail.com", "gmx.at", "gmx.ch", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
    "icloud.com", "live.com", "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me", "protonmail.com",
    "qq.com", "t-online.de", "web.de", "yahoo.com", "yandex.ru", "ymail.com", "zoho.com", "example.com", "email.com",
})  # fmt: skip
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}")
_OTHER = re.compile(r"[^0-9a-z\u0080-\U0010ffff]+")


def plain_company(name: str | None) -> str:
    """Return a company's name without case, accents, punctuation and legal form; empty if there is none.

    Examples
    --------
    >>> plain_company("Müller & Söhne G.m.b.H."), plain_company("The ACME Corp., Inc."), plain_company("Holdings Ltd")
    ('muller and sohne', 'acme', 'holdings ltd')
    """
    if not name:
        return ""
    text = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = _DOTTED.sub(lambda found: found[0].replace(".", ""), text + " ").replace("&", " and ").replace("'", "")
    words = _OTHER.sub(" ", text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    kept = list(words)
    while len(kept) > 1 and kept[-1] in LEGAL_FORMS:
        kept.pop()
    return " ".join(words if kept and kept[0] in LEGAL_FORMS else kept)


def plain_domains(domains: str | None) -> tuple[str, ...]:
    """Return the domains of a text such as ``https://www.acme.com|acme.de`` that may tell a company, sorted.

    Examples
    --------
    >>> plain_domains("WWW.Acme.com|gmail.com|info@acme.de|https://acme.com/contact")
    ('acme.com', 'acme.de')
    """
    found = set()
    for part in re.split(r"[|,;\s]+", (domains or "").casefold()):
        host = part.rsplit("@", 1)[-1].split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].strip(".")
        host = host.removeprefix("www.")
        if "." in host and host not in FREE_MAIL:
            found.add(host)
    return tuple(sorted(found))
