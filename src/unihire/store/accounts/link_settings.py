"""What an environment says of its links: how the page looks, who may frame it, where integrations are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from unihire.store import Pool

# What is said of an environment, with the organisation's name; without a row of its own all of it is null.
GET_SETTINGS = """
    SELECT organisation.name AS organisation_name, said.name, said.colour, said.language,
        coalesce(said.origins, '{}') AS origins, said.logo_type
    FROM organisation LEFT JOIN link_setting AS said ON said.organisation = organisation.id AND said.environment = $2
    WHERE organisation.id = $1
"""

SET_SETTINGS = """
    INSERT INTO link_setting (organisation, environment, name, colour, language, origins)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (organisation, environment) DO UPDATE
        SET name = $3, colour = $4, language = $5, origins = $6
"""

SET_LOGO = """
    INSERT INTO link_setting (organisation, environment, logo, logo_type) VALUES ($1, $2, $3, $4)
    ON CONFLICT (organisation, environment) DO UPDATE SET logo = $3, logo_type = $4
"""

GET_LOGO = "SELECT logo, logo_type FROM link_setting WHERE organisation = $1 AND environment = $2"

# What the operator said of integrations in an environment.
LIST_LINK_INTEGRATIONS = """
    SELECT id, integration, base_url, partner FROM link_integration
    WHERE organisation = $1 AND environment = $2 ORDER BY integration
"""

SET_BASE_URL = """
    INSERT INTO link_integration (id, organisation, environment, integration, base_url) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (organisation, environment, integration) DO UPDATE SET base_url = $5
"""

# The id of what is said of an integration, made if there is nothing: partner credentials are sealed for it.
ENSURE_LINK_INTEGRATION = """
    INSERT INTO link_integration (id, organisation, environment, integration) VALUES ($1, $2, $3, $4)
    ON CONFLICT (organisation, environment, integration) DO UPDATE SET integration = $4
    RETURNING id
"""

SET_PARTNER = "UPDATE link_integration SET partner = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How the page looks; None where nothing is said. `origins` may frame it."""

    organisation_name: str
    name: str | None
    colour: str | None
    language: str | None
    origins: Sequence[str]
    logo_type: str | None

    @property
    def shown_name(self) -> str:
        return self.name or self.organisation_name


@dataclass(frozen=True, slots=True)
class LinkIntegration:
    """What the operator said of an integration; `partner` are sealed credentials."""

    id: UUID
    integration: str
    base_url: str | None
    partner: bytes | None = field(repr=False)


async def get_settings(pool: Pool, organisation: UUID, environment: str) -> LinkSettings:
    row: Any = await pool.fetchrow(GET_SETTINGS, organisation, environment)
    return LinkSettings(**row)


async def get_logo(pool: Pool, organisation: UUID, environment: str) -> tuple[bytes, str] | None:
    """The logo and its type."""
    row = await pool.fetchrow(GET_LOGO, organisation, environment)
    return None if row is None or row["logo"] is None else (row["logo"], row["logo_type"])


async def list_link_integrations(pool: Pool, organisation: UUID, environment: str) -> dict[str, LinkIntegration]:
    """By slug."""
    rows = await pool.fetch(LIST_LINK_INTEGRATIONS, organisation, environment)
    return {row["integration"]: LinkIntegration(**row) for row in rows}
