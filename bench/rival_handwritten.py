"""The service a competent engineer writes by hand: FastAPI, SQLAlchemy on asyncpg, Pydantic response models.

One row a candidate, its fields as columns and its lists as JSON, so a page is one query without joins. It checks no key
and counts no limit. `AUTOCOMMIT` spares it the two round trips of a transaction around a single read.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, DateTime, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.hosting import host, run
from bench.processes import read_order
from bench.sizes import PAGE


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class CandidateRow(Base):
    __tablename__ = "handwritten_candidate"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connector: Mapped[int]
    seq: Mapped[int] = mapped_column(BigInteger)
    modified_at: Mapped[datetime]
    remote_id: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    company: Mapped[str | None]
    title: Mapped[str | None]
    last_interaction_at: Mapped[datetime | None]
    is_private: Mapped[bool | None]
    can_email: Mapped[bool | None]
    locations: Mapped[list[str] | None] = mapped_column(JSONB)
    phone_numbers: Mapped[list[str] | None] = mapped_column(JSONB)
    email_addresses: Mapped[list[str] | None] = mapped_column(JSONB)
    urls: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    tags: Mapped[list[str] | None] = mapped_column(JSONB)
    applications: Mapped[list[str] | None] = mapped_column(JSONB)
    attachments: Mapped[list[str] | None] = mapped_column(JSONB)
    remote_created_at: Mapped[datetime | None]
    remote_updated_at: Mapped[datetime | None]
    avatar: Mapped[str | None]


class Url(BaseModel):
    value: str | None
    type: str | None
    url_type: str | None


class Candidate(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    modified_at: datetime
    remote_id: str
    first_name: str | None
    last_name: str | None
    company: str | None
    title: str | None
    last_interaction_at: datetime | None
    is_private: bool | None
    can_email: bool | None
    locations: list[str] | None
    phone_numbers: list[str] | None
    email_addresses: list[str] | None
    urls: list[Url] | None
    tags: list[str] | None
    applications: list[UUID] | None
    attachments: list[UUID] | None
    remote_created_at: datetime | None
    remote_updated_at: datetime | None
    avatar: str | None
    custom_fields: dict[str, Any] | None = None
    raw_data: dict[str, Any] | None = None


class CandidatePage(BaseModel):
    cursor: str | None
    page_size: int
    items: list[Candidate]


def make_app(dsn: str, connector: int) -> FastAPI:
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=8, isolation_level="AUTOCOMMIT"
    )
    open_session = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with open_session() as session:
            yield session

    @app.get("/candidates")
    async def list_candidates(
        session: Annotated[AsyncSession, Depends(get_session)],
        after: int = 0,
        page_size: Annotated[int, Query(ge=1, le=100)] = PAGE,
    ) -> CandidatePage:
        query = (
            select(CandidateRow)
            .where(CandidateRow.connector == connector, CandidateRow.seq > after)
            .order_by(CandidateRow.seq)
            .limit(page_size + 1)
        )
        rows = list(await session.scalars(query))
        more = len(rows) > page_size
        rows = rows[:page_size]
        return CandidatePage(
            cursor=str(rows[-1].seq) if more else None,
            page_size=len(rows),
            items=[Candidate.model_validate(row) for row in rows],
        )

    return app


async def main() -> None:
    order = read_order()
    await host(make_app(order["dsn"], order["connector"]))


if __name__ == "__main__":
    run(main())
