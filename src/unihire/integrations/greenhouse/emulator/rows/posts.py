"""Rows of a job's openings and posts: where it is, what it asks, what it pays, how it is found."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows.times import to_day
from unihire.integrations.greenhouse.emulator.rows.world import JobWorld, World

_LANGUAGES = ("en", "de", "fr", "pl", "ja", "es")


def count_posts(job: JobWorld) -> int:
    return 0 if job.status == "draft" else 2 if job.bits >> 6 & 3 == 1 else 1


def count_openings(job: JobWorld) -> int:
    return 1 + (job.bits >> 4 & 1)


def list_questions(number: int) -> list[Row]:
    """A job post's questions; their ids follow the post's own number."""

    def ask(place: int, label: str, name: str, kind: str, options: Sequence[str] = (), required: bool = False) -> Row:
        return {
            "id": number * 10 + place if place else None,
            "description": None,
            "answer_type": kind,
            "required": required,
            "private": False,
            "label": label,
            "name": name,
            "options": [
                {"id": number * 100 + place * 10 + order, "label": option} for order, option in enumerate(options)
            ],
        }

    return [
        ask(0, "First Name", "first_name", "short_text", required=True),
        ask(0, "Last Name", "last_name", "short_text", required=True),
        ask(0, "Resume", "resume", "attachment"),
        ask(1, "How did you hear about us?", f"question_{number * 10 + 1}", "long_text"),
        ask(2, "Do you need a work permit?", f"question_{number * 10 + 2}", "boolean", required=True),
        ask(3, "Which sites suit you?", f"question_{number * 10 + 3}", "multi_select", ("Main", "Lab", "Remote")),
        ask(4, "Which shift?", f"question_{number * 10 + 4}", "single_select", ("Early", "Late")),
        ask(5, "Campaign", "campaign", "hidden"),
    ]


class PostRows:
    """Makes the rows; a place counts a job's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._begin = world.begin_for_job

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        make = self._world.make_job_part
        return {
            "openings": [make(2, self._shape_opening, count_openings)],
            "job_posts": [make(2, self._shape_post, count_posts)],
            "job_post_locations": [make(2, self._shape_location, count_posts)],
            "job_post_searchable_locations": [make(2, self._shape_searchable, count_posts)],
            "pay_input_ranges": [
                make(2, self._shape_pay, lambda job: 2 * int(count_posts(job) > 0 and job.bits & 16 > 0))
            ],
            "tracking_links": [make(2, self._shape_link, lambda job: 2 * int(count_posts(job) > 0))],
        }

    def _shape_opening(self, job: JobWorld, place: int) -> Row:
        """An opening nobody filled: open while the job is, closed without a hire afterwards."""
        is_closed = job.status == "closed"
        row = self._begin(job, self._ids["openings"](job.index, place))
        return {
            **row,
            "job_id": self._ids["jobs"](job.index),
            "opened_at": None if job.status == "draft" else row["created_at"],
            "closed_at": row["updated_at"] if is_closed else None,
            "sort_order": place,
            "opening_id": f"{job.index}-{place + 1}",
            "application_id": None,
            "close_reason_id": self._ids["close_reasons"](2 + place) if is_closed else None,
            "target_start_on": to_day(job.created // 86400 + 90) if job.bits & 64 else None,
            "open": not is_closed,
            "custom_fields": self._world.values["opening"][job.bits >> 10 & 63],
        }

    def _shape_post(self, job: JobWorld, place: int) -> Row:
        number = self._ids["job_posts"](job.index, place)
        row = self._begin(job, number)
        return {
            **row,
            "title": job.title,
            "internal": place == 1,
            "active": True,  # "true live rows, false deleted ones": harvest_v1.json, job_posts
            "live": job.status == "open",
            "featured": job.bits >> 11 & 7 == 1,
            "first_published_at": row["created_at"],
            "content": f"<h2>{job.title.replace('&', '&amp;')}</h2><p>A made-up job &amp; nothing more.</p>",
            "internal_content": "<p>For colleagues.</p>" if place == 1 else None,
            "language": _LANGUAGES[job.bits >> 12 & 3],
            "public_url": f"/jobs/{number}" if place == 0 else None,
            "demographic_question_set_id": self._ids["demographic_question_sets"](0) if job.bits & 128 else None,
            "job_id": self._ids["jobs"](job.index),
            "job_board_id": self._ids["job_boards"](place),
            "questions": list_questions(number),
        }

    def _shape_location(self, job: JobWorld, place: int) -> Row:
        type_ = ("office", "free_text", "custom_list")[job.bits % 3]
        office = job.bits >> 5 & 15
        return {
            **self._begin(job, self._ids["job_post_locations"](job.index, place), updated=job.created),
            "plain_text_location": "Berlin or remote" if type_ == "free_text" else None,
            "office_id": self._ids["offices"](office) if type_ == "office" else None,
            "type": type_,
            "job_post_id": self._ids["job_posts"](job.index, place),
            "custom_location_id": self._ids["job_board_custom_locations"](job.bits >> 4 & 1)
            if type_ == "custom_list"
            else None,
        }

    def _shape_searchable(self, job: JobWorld, place: int) -> Row:
        number = self._ids["job_post_searchable_locations"](job.index, place)
        return {
            **self._begin(job, number, updated=job.created),
            "job_post_id": self._ids["job_posts"](job.index, place),
            "location": "Berlin, Germany",
            "city": "Berlin",
            "region_short_name": "BE",
            "region_long_name": "Berlin",
            "postal_code": None,
            "county": None,
            "country_short_name": "DE",
            "country_long_name": "Germany",
            "latitude": 52.52,
            "longitude": 13.405,
        }

    def _shape_pay(self, job: JobWorld, place: int) -> Row:
        least = 4_000_000 + (job.bits >> 8) % 40 * 100_000
        return {
            **self._begin(job, self._ids["pay_input_ranges"](job.index, place), updated=job.created),
            "pay_input_id": self._ids["pay_inputs"](place),
            "currency_type": ("EUR", "USD", "GBP")[job.bits % 3],
            "min_cents": least,
            "max_cents": least + 1_500_000,
            "job_post_id": self._ids["job_posts"](job.index),
        }

    def _shape_link(self, job: JobWorld, place: int) -> Row:
        post = self._ids["job_posts"](job.index)
        return {
            **self._begin(job, self._ids["tracking_links"](job.index, place), updated=job.created),
            "job_id": self._ids["jobs"](job.index),
            "token": f"{job.index:x}{'ab'[place]}1",
            "source_id": self._ids["sources"](place),
            "related_post_id": post if place else None,
            "related_post_type": "JobPost" if place else None,
            "referrer_id": self._ids["referrers"](job.index % self._world.company.employees.count) if place else None,
            "job_board_id": self._ids["job_boards"](0),
            "job_post_id": post,
        }
