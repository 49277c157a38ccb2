"""What a password has to be: long, and not one that everybody tries first (NIST SP 800-63B: no rules on signs)."""

import unicodedata
from enum import StrEnum

SHORTEST = 10
LONGEST = 256

# Long enough, and still among the first that are tried: rows of keys, numbers, words of welcome and of log-in pages.
_COMMON = """
    0123456789 1234567890 0987654321 12345678910 123456789a 123456789q 1q2w3e4r5t q1w2e3r4t5 1qaz2wsx3edc qazwsxedcr
    azertyuiop qwertyuiop qwertzuiop azertyuiop123 azerty12345 azerty123456 qwerty12345 qwerty123456 qwerty123456789
    asdfghjkl1 qsdfghjklm abcdefghij abcdefghijk abcdef123456 abc123456789 aqwzsxedcr
    motdepasse motdepasse1 motdepasse123 monmotdepasse password12 password123 password1234 password12345 mypassword
    passw0rd123 p@ssw0rd123 changeme123 changemoi changezmoi welcome123 bienvenue1 bienvenue123 letmein123 ouvretoi
    administrateur administrator administration utilisateur jetaime123 iloveyou123 iloveyou12 jetaimefort sunshine123
    football123 princess123 doudoudoudou chouchou123 marseille13 olympique13 parissaintgermain
    passerelle passerelle1 passerelle12 passerelle123 passerelle2025 passerelle2026 passerelle2027
    jupyterhub jupyternotebook datascience cybersecurity cybersecurite webdeveloper webdevelopment
"""
COMMON = frozenset(_COMMON.split())


class Fault(StrEnum):
    """Why a password cannot be taken."""

    SHORT = "short"
    LONG = "long"
    COMMON = "common"
    DIFFERENT = "different"  # typed twice, and not the same


def normal(password: str) -> str:
    """Return a password as it is kept and compared: an é typed on another keyboard is the same é."""
    return unicodedata.normalize("NFKC", password)


def fault_of(password: str, again: str, *about_her: str) -> Fault | None:
    """Return why a password cannot be taken, None where it can.

    `about_her` are words that others know of her: alone, repeated or with numbers they are no password.
    """
    typed = normal(password)
    if len(typed) < SHORTEST:
        return Fault.SHORT
    if len(typed) > LONGEST:
        return Fault.LONG
    if typed != normal(again):
        return Fault.DIFFERENT
    plain = typed.casefold()
    core = "".join(sign for sign in plain if sign.isalpha())
    known = [word.casefold() for word in about_her if word]
    repeated = any(core and not core.replace("".join(filter(str.isalpha, word)), "") for word in known)
    if plain in COMMON or len(set(plain)) < 4 or repeated:
        return Fault.COMMON
    return None
