"""What is wrong with the credentials file of the vendor's clients: its lines are told, and never what is in them."""

import configparser

PROFILE = ("ak", "sk", "security_token")
SECTIONS = ("basic", "global")
"""Of a project and of an account: to us a key is a key."""
KNOWN = {*PROFILE, "project_id", "domain_id", "iam_endpoint", "idp_id", "id_token_file"}
"""What the clients read (huaweicloudsdkcore, auth/provider.py). Another name may be a part of a secret."""


def mistake(error: configparser.Error | UnicodeDecodeError) -> str:
    """What keeps a file from being read, and in which line: never in the parser's words, as they hold the line."""
    match error:
        case configparser.DuplicateOptionError(lineno=line, option=option):
            return f"line {line}: {key(option)} was given before in this section; keep one of the two"
        case configparser.DuplicateSectionError(lineno=line):
            return f"line {line}: this section was begun before; put all of it in one place"
        case configparser.MissingSectionHeaderError(lineno=line):
            return f"line {line}: no section is begun before it; write [basic] above"
        case configparser.ParsingError(errors=[(line, _), *_]):
            return f"line {line}: it is neither a section, a key = value nor a comment; correct it, or take it out"
        case configparser.InterpolationError(option=option):
            return f"{key(option)} has a % in it; write it as %%, as the vendor's clients want it"
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
    return "it is no INI file with [basic] or [global]"


def key(name: str) -> str:
    """The name of a key, if it is one that may be told."""
    return name if name in KNOWN else "a key"
