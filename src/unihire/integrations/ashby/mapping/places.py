"""Addresses of offices and of jobs."""

from unihire.integration.declare import Data
from unihire.integrations.ashby.mapping.values import find_object, to_text
from unihire.model import Place

COUNTRY_CODE = 2
"""Letters of a country that is written as ISO 3166 has it; a name is only in the text."""

WORKPLACES = {"OnSite": "ON_SITE", "Hybrid": "HYBRID", "Remote": "REMOTE"}


def find_place(location: Data) -> Place | None:
    """The postal address of a location; None where it has none."""
    address = find_object(location, "address")
    postal = None if address is None else find_object(address, "postalAddress")
    if postal is None:
        return None
    street, postal_code, city, region, country = (
        to_text(postal.get(name))
        for name in ("streetAddress", "postalCode", "addressLocality", "addressRegion", "addressCountry")
    )
    parts = [part for part in (street, postal_code, city, region, country) if part is not None]
    if not parts:
        return None
    return Place(
        text=", ".join(parts), street=street, postal_code=postal_code, city=city, region=region,
        country_code=country if country is not None and is_country_code(country) else None,
    )  # fmt: skip


def is_country_code(country: str) -> bool:
    return len(country) == COUNTRY_CODE and country.isascii() and country.isupper()
