"""Workable: its API (SPI v3), and an emulator of it.

connector.py             facts: address, token, streams with their details and joins
cannot.py                what it cannot give, and why
paging.py                how its lists are walked
lookups.py               lists that only writes ask for
refusals.py              what it says where it refuses a write
webhooks.py              what it reports of changes, and what each of that touches
mapping/                 rows to records, pure
  company.py             what a company sets up
  jobs.py                jobs, their advertisements and what those ask
  people.py              persons and their files
  hiring.py              applications, offers and interviews
  activities.py          what happened around a candidate, ratings and stages among it
  values.py              ids, words, moments
writes/                  what is written, each known again; the unified API's writes
  calling.py             calls that write, and what inputs refer to
  candidates.py          candidates made and changed, and their tags
  applications.py        candidates of one job let into another, moved, rejected, hired
  notes.py               comments, files and ratings
  custom_values.py       the customer's own fields of candidates
  company.py             departments and users
emulator/                its API served locally, for tests and for trying things out
  app.py                 the emulator: one request from the token to the answer
  api/                   how a call is admitted, checked and refused
    calls.py             endpoints, calls, answers, refusals; how a path finds its endpoint
    tokens.py            tokens and what each may do
    signing_in.py        partners' clients: codes, tokens, refreshing
    limits.py            the limit of calls
    bodies.py            bodies checked
    pages.py             pages and their links
    files.py             links to files, and what is behind them
    unanswered.py        endpoints that are not answered, and why
  rows/                  the rows there are
    world.py             the made-up company, its pipelines, how far candidates came
    ids.py               ids that say which stream and row
    values.py            members read as what they should be
    people.py            candidates and members
    jobs.py              jobs and requisitions
    hiring.py            activities, events, offers, files
    catalog.py           short tables, stages, questions
    find.py              rows found, walked, changed
    show.py              rows as the vendor shows them
  reads/                 what is read
    lists.py             lists, with and without pages
    single.py            single things
  writes/                what is written, with its effects
    acting.py            who acts, and what is noted of it
    inputs.py            what is sent of a candidate
    candidates.py        candidates, tags, custom attributes, comments, ratings
    moves.py             moves, disqualifications, copies
    company.py           members, departments, requisitions, offers
    hooks.py             subscriptions
  webhooks/              what is reported
    messages.py          events, signatures, attempts
    changes.py           which events a change is
"""
