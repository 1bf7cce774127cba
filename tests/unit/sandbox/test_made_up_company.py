"""A made-up company is whole: every reference has its other end, and nothing depends on the order of asking."""

import pytest

from unihire.errors import ConfigError
from unihire.sandbox.made_up_company import HISTORY_END, HISTORY_START, MadeUpCompany

SIZES = [(99, 149), (100, 150), (1, 2), (7, 9), (8, 12), (9, 13), (16, 23), (1999, 2999), (40, 40)]


def make_company(candidates: int, applications: int, jobs: int = 36, seed: int = 3) -> MadeUpCompany:
    return MadeUpCompany(seed=seed, candidates=candidates, jobs=jobs, applications=applications, employees=30)


@pytest.mark.parametrize(("candidates", "applications"), SIZES[:-1])
@pytest.mark.parametrize("jobs", [1, 6, 7, 14, 20, 27, 36, 196])
def test_applications_are_found_from_either_side(candidates: int, applications: int, jobs: int) -> None:
    company = make_company(candidates, applications, jobs)
    by_candidate = {index: list(company.applications_of(index)) for index in range(candidates)}
    by_job = {index: list(company.applications_to(index)) for index in range(jobs)}
    for index in range(applications):
        facts = company.application(index)
        assert index in by_candidate[facts.candidate]
        assert index in by_job[facts.job]
    assert sum(map(len, by_candidate.values())) == sum(map(len, by_job.values())) == applications


@pytest.mark.parametrize(("candidates", "applications"), SIZES[:-1])
def test_nobody_applies_before_being_there(candidates: int, applications: int) -> None:
    company = make_company(candidates, applications)
    for index in range(applications):
        facts = company.application(index)
        created = company.applications.created_at(index)
        assert company.candidates.created_at(facts.candidate) <= created
        assert company.jobs.created_at(facts.job) <= created
        assert HISTORY_START <= created <= company.applications.updated_at(index) <= HISTORY_END


def test_history_begins_new_rises_and_ends_where_the_application_stands() -> None:
    company = make_company(1000, 1500)
    for index in range(1500):
        facts, steps = company.application(index), company.steps(index)
        assert (steps[0].position, steps[0].outcome) == (0, None)
        assert (steps[-1].position, steps[-1].outcome) == (facts.reached, facts.outcome)
        moments = [step.entered_at for step in steps]
        assert moments == sorted(moments)
        assert moments[0] == company.applications.created_at(index)
        assert moments[-1] <= company.applications.updated_at(index)


def test_about_three_in_ten_are_rejected() -> None:
    company = make_company(10_000, 15_000)
    outcomes = [company.application(index).outcome for index in range(15_000)]
    assert 0.28 < outcomes.count("rejected") / len(outcomes) < 0.32
    assert all(outcomes.count(word) > 300 for word in ("withdrawn", "offer", "hired", None))


def test_people_are_found_by_email_and_nobody_else_is() -> None:
    company = make_company(2000, 3000)
    for index in range(2000):
        person = company.candidate(index)
        if person.is_anonymized:
            assert (person.first_name, person.email) == ("", "")
            continue
        assert person.email.isascii()
        assert company.find_candidate(person.email.upper()) == index
        assert company.find_employee(person.email) is None
    assert company.find_employee(company.employee(7).email) == 7
    for email in ("", "x", "a.b.99999@example.com", "no.body.3@example.com", "x@example.com.3@example.com"):
        assert company.find_candidate(email) is None


def test_same_seed_gives_the_same_facts_in_any_order() -> None:
    one, other = make_company(500, 750), make_company(500, 750)
    backwards = {index: (other.candidate(index), other.application(index)) for index in reversed(range(500))}
    assert all(backwards[index] == (one.candidate(index), one.application(index)) for index in range(500))
    assert make_company(500, 750, seed=4).candidate(1) != one.candidate(1)


def test_impossible_sizes_are_refused() -> None:
    for candidates, applications in ((0, 10), (10, 9), (800, 800)):
        with pytest.raises(ConfigError):
            make_company(candidates, applications)
