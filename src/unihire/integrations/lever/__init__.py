"""Lever: its Data API, version 1, and an emulator of it.

connector.py             facts: address, key, streams with their details and joins
cannot.py                what it cannot give, and why
failures.py              what its failures mean beside their status
paging.py                how its lists are walked
lookups.py               lists that only writes ask for
refusals.py              what it says where it refuses a write
webhooks.py              what it reports of changes, and what each of that touches
mapping/                 rows to records, pure
  company.py             what a company sets up
  jobs.py                postings, which are jobs and their advertisements, and what they ask
  people.py              contacts, who are the candidates, files and notes
  hiring.py              opportunities, which are applications, their way and offers
  interviews.py          interviews and scorecards
  surveys.py             answers for equal opportunity reports
  forms.py               what forms ask, and what was answered
  values.py              ids, words, moments, names
writes/                  what is written, each known again; the unified API's writes
  calling.py             calls that write, and what inputs refer to
  candidates.py          candidates made and changed
  tags.py                tags, given and taken
  notes.py               notes
  files.py               files
  applications.py        applications made, moved, rejected, hired
  interviews.py          interviews and scorecards
  company.py             jobs and users
emulator/                the vendor's API, from what is known of it
  app.py                 keys, paths and refusals
  api/                   what every request meets
    answers.py           answers and refusals
    keys.py              who asks: API keys, and what each may do
    tokens.py            OAuth: codes, access and refresh tokens
    limits.py            calls a second
    queries.py           filters, limits and offset tokens
    bodies.py            bodies, checked
    files.py             contents of files
    calls.py             what an endpoint is, and a call of one
    unanswered.py        endpoints that are not answered, and why
  rows/                  the made-up account
    ids.py               UUIDs that say what they are of
    find.py              its streams, what moves with what, and what was deleted
    links.py             which rows point at which, what new ones begin with
    world.py             the facts its rows share
    catalog.py           what the company set up: stages, reasons, tags, templates, users
    forms.py             fields of forms and answers to them
    people.py            contacts, opportunities, applications
    jobs.py              postings and requisitions
    hiring.py            what belongs to an opportunity
    show.py              rows as they are sent
    values.py            members of rows, whatever is in them
  reads/                 what is read
    pages.py             pages of any list
    opportunities.py     the list of opportunities, its order and filters
    lists.py             the other lists, and those of deletions
    single.py            single rows, downloads, application forms
  writes/                what is written, with its effects
    persons.py           contacts, opportunities and files that several writes make
    opportunities.py     opportunities, contacts, files
    forms.py             notes, feedback, forms of a profile, templates
    interviews.py        panels and interviews
    jobs.py              postings, applications to them, requisitions
    company.py           users and webhooks
  webhooks/              what is reported
    messages.py          events, signatures, attempts
    changes.py           which events a change is
"""
