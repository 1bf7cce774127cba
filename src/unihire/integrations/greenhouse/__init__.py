"""Greenhouse: Harvest v3, and on top of it what workflows know of Harvest v1.

connector.py             facts: address, auth, streams and their joins
cannot.py                what it cannot give, and why
filters.py               filters of its lists: written, and what they do with rows read already
comparing.py             whether a row shows what was sent
refusals.py              what it says where it refuses a write
operations.py            the operations it offers, in order
webhooks.py              what it reports of changes, and what each of that touches
mapping/                 rows to records, pure
  company.py             what a company sets up
  jobs.py                jobs, their posts and what those ask
  people.py              candidates and what is stored about them
  hiring.py              applications, their way and offers
  interviews.py          interviews and scorecards
  values.py              ids, words, moments, joined rows
writes/                  what is written over v3, each known again; the unified API's writes
  making.py              how each thing is made
  references.py          what inputs refer to, found at the vendor
  custom_values.py       customers' own fields, and their values
  choices.py             what parameters may be
  candidates.py          candidates made and changed
  tags.py                tags, given and taken
  notes.py               notes and other activities
  files.py               files
  applications.py        applications made, moved, rejected, hired
  hiring.py              interviews and offers
  company.py             departments, offices, jobs, users
harvest_v1/              v1's words over v3
  inputs.py              what its creates took
  bodies.py              these as the bodies v3 takes
  references.py          what these refer to, found at the vendor
  filters.py             its filters by time
  values.py              what its shapes share
  operations/            what workflows call
    company.py           departments, offices, sources, custom fields
    jobs.py              jobs and their stages
    people.py            candidates and applications
    offers.py            offers
    users.py             users
    creates.py           candidates, prospects, applications, notes made
    lists.py             pages under filters, and the inputs of lists
  shapes/                things as v1 showed them
    applications.py      applications
    people.py            candidates
    jobs.py              jobs and their stages
    company.py           what a company sets up
    offers.py            offers
emulator/                the vendor's API, from what is known of it
  app.py                 its lists, tokens and refusals
  resources.py           its 71 resources and their filters
  query.py               its parameters and cursors
  api/                   what every request meets
    routes.py            its routes
    auth.py              its tokens and the page that lets a partner in
    limits.py            its windows of calls
  rows/                  the made-up account
    find.py              its streams, found without reading all
    world.py             the facts its rows share
    catalog.py           its company-wide lists: sources, reasons, custom fields
    profiles.py          which rows an application has
    times.py             its timestamps
    typed.py             an odd row, read as the vendor's tables would store it
    company.py           rows of the account
    people.py            rows of candidates and users
    jobs.py              rows of jobs
    posts.py             rows of posts
    hiring.py            rows of applications
    interviews.py        rows of interviews
    offers.py            rows of offers and their openings
  writes/                what requests change
    bodies.py            what their bodies may contain
    plain.py             creates, updates, deletes
    actions.py           its verbs: move, reject, hire, merge
    effects.py           what writes do besides storing, for jobs and users
    effects_hiring.py    the same for candidates and applications
  webhooks/              what it reports of changes
    payloads.py          what its webhooks say
    messages.py          how they are signed and tried again
    changes.py           which of them a change over the control plane is
"""
