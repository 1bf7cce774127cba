"""Ashby: its public API, and an emulator of it.

connector.py             facts: address, key, streams with their details and joins
cannot.py                what it cannot give, and why
failures.py              what its codes of failures mean
paging.py                how its lists are walked
lookups.py               lists that only writes ask for
refusals.py              what it says where it refuses a write
webhooks.py              what it reports of changes, and what each of that touches
mapping/                 rows to records, pure
  company.py             what a company sets up
  jobs.py                jobs, their postings and what those ask
  people.py              candidates, their files and the notes on them
  hiring.py              applications, their way and offers
  interviews.py          interviews and scorecards
  forms.py               what forms ask, and what was answered
  teams.py               hiring teams
  places.py              addresses
  values.py              ids, words, moments, custom fields
writes/                  what is written, each known again; the unified API's writes
  calling.py             calls that write, and what inputs refer to
  stages.py              which stage an application goes to
  forms.py               forms that customers make, filled in
  custom_values.py       customers' own fields, and their values
  candidates.py          candidates made and changed
  tags.py                tags, given and taken
  notes.py               notes and e-mails
  files.py               files
  applications.py        applications made, moved, rejected, hired
  interviews.py          interviews and scorecards
  offers.py              offers
  company.py             departments, offices, jobs
  surveys.py             answers for equal opportunity reports
emulator/                the vendor's API, from what is known of it
  app.py                 keys, paths and refusals
  api/                   what every request meets
    envelope.py          answers and refusals
    keys.py              API keys: what each may do and see
    limits.py            calls a minute
    bodies.py            bodies, checked
    pages.py             cursors and sync tokens
    files.py             files uploaded, and links to them
    calls.py             what an endpoint is, and a call of one
    unanswered.py        endpoints that are not answered, and why
  rows/                  the made-up account
    ids.py               UUIDs that say what they are of
    find.py              its streams, and in which order their rows changed
    links.py             which rows point at which
    varying.py           believable changes
    world.py             the facts its rows share
    catalog.py           what the company set up: reasons, sources, plans, custom fields
    forms.py             forms and answers to them
    people.py            candidates, notes, users, applications
    jobs.py              jobs, postings, openings
    hiring.py            interviews, feedback, offers, surveys
    show.py              rows as they are sent
    show_postings.py     job postings as they are sent
    values.py            members of rows, whatever is in them
  reads/                 what is read
    lists.py             lists, their filters and pages
    single.py            single things, searches, lists of what belongs to one thing
  writes/                what is written, with its effects
    declaring.py         how a write is declared
    submissions.py       answers to forms, checked
    candidates.py        candidates, their tags, notes and e-mails
    applications.py      applications, their stages and teams
    applying.py          application forms, surveys, referrals
    interviews.py        interview schedules and feedback
    offers.py            offers
    jobs.py              jobs, postings, openings
    company.py           tags, departments, locations, interviewer pools
    custom_values.py     custom fields and their values
    hooks.py             webhooks registered
  webhooks/              what is reported
    messages.py          events, signatures, attempts
    changes.py           which events a change is
"""
