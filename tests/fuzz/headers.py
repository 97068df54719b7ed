"""Any header of a visitor's request: what it chooses was offered and wanted, however the header is written."""

import base64

from frs_exporter.exposition.coding import ENCODINGS, IDENTITY
from frs_exporter.exposition.page import FORMATS, TEXT, Offer, negotiate, quality
from frs_exporter.status.i18n import ENGLISH, LANGUAGES, language_of
from frs_exporter.web.basic_auth import parse_basic
from tests.fuzz.inputs import parts, text_of


def check_headers(data: bytes) -> None:
    """What must hold of any `Accept`, `Accept-Encoding`, `Accept-Language` and `Authorization`, a line each."""
    accept, encoding, language, authorization = map(text_of, parts(data, 4))
    check_choice(accept, FORMATS, TEXT)
    check_choice(encoding, ENCODINGS, IDENTITY)
    check_choice(language, LANGUAGES, ENGLISH)
    assert language_of(language, chosen="zh").name == "zh"
    check_login(authorization)


def check_choice(header: str, offers: tuple[Offer, ...], default: Offer) -> None:
    """The choice is an offer that the header takes, or the default where it takes none."""
    chosen = negotiate(header, offers, default)
    assert chosen in offers
    items = [item.partition(";") for item in header.lower().split(",")]
    taken = [
        offer
        for offer in offers
        if any(quality(rest) > 0 and offer.matches(name.strip(), rest.strip()) for name, _, rest in items)
    ]
    assert chosen in taken or chosen is default
    turned = ",".join(reversed(header.split(",")))
    assert negotiate(turned, offers, default) is chosen, "the order of the items says nothing"
    assert negotiate(f" {header.replace(',', ' , ')} ", offers, default) is chosen
    assert negotiate(f"{header},x-nobody/x-has-it;q=1", offers, default) is chosen
    assert 0.0 <= quality(header) <= 1.0


def check_login(header: str) -> None:
    """What is taken for a login is written as one, and is that login."""
    login = parse_basic(header)
    if login is not None:
        user, password = login
        assert ":" not in user
        written = base64.b64encode(user.encode("utf-8", "surrogateescape") + b":" + password).decode()
        assert parse_basic(f"Basic {written}") == login
        assert header[:6].lower() == "basic "
