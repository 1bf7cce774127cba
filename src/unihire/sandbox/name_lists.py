"""The words made-up companies are made of. Names are common ones, combined by chance; nobody in particular is meant."""

from unihire.integration.emulate import CategoryFacts

# (name, the same in ASCII for e-mail addresses, gender)
FIRST_NAMES: tuple[tuple[str, str, str], ...] = tuple(
    (name, ascii_name or name.lower(), gender)
    for gender, names in {
        "female": (
            "Amara Anna Aylin Beatriz Carla Charlotte Clara Daria Elif Emma Eva Fatima Freya Giulia Hanna Ida Ingrid"
            " Jana Julia Katarina Lea Leila Lena Maja Maria Mei Mila Nadia Nina Nora Olivia Paula Priya Rosa Sara"
            " Sofia Tessa Valentina Yuki Zoë=zoe Agnès=agnes Aurélie=aurelie Björk=bjork Chloé=chloe Inês=ines"
            " Łucja=lucja Márta=marta Noëmi=noemi Şebnem=sebnem Žofia=zofia Ольга=olga Ελένη=eleni 美咲=misaki"
        ),
        "male": (
            "Adam Ahmed Alexander Ali Amir Anders Anton Ben Carlos Daniel David Elias Emil Erik Felix Finn Gabriel Hugo"
            " Ivan Jakob Jan Jonas Julian Karim Kenji Kofi Leo Liam Lukas Marco Mateo Max Milan Nils Noah Omar Oskar"
            " Paul Rafael Samuel Theo Tim Tom Viktor André=andre François=francois Gökhan=goekhan Jürgen=juergen"
            " Łukasz=lukasz Óscar=oscar Øyvind=oyvind Søren=soren Дмитрий=dmitri Γιώργος=giorgos 健=ken"
        ),
        "diverse": "Alex Kim Robin Sam Sascha Toni Noa Elis",
    }.items()
    for name, _, ascii_name in (entry.partition("=") for entry in names.split())
)

LAST_NAMES: tuple[tuple[str, str], ...] = tuple(
    (name, ascii_name or name.lower().replace("'", "").replace("-", ""))
    for name, _, ascii_name in (
        entry.replace("_", " ").partition("=")
        for entry in [
            "Abadi",
            "Acker",
            "Adler",
            "Almeida",
            "Andersen",
            "Bakker",
            "Bauer",
            "Becker",
            "Berg",
            "Bianchi",
            "Brandt",
            "Brown",
            "Castillo",
            "Conti",
            "Costa",
            "Cruz",
            "Dahl",
            "Demir",
            "Diaz",
            "Dubois",
            "Eriksson",
            "Fernandes",
            "Ferrari",
            "Fischer",
            "Fontaine",
            "Garcia",
            "Haas",
            "Hansen",
            "Hoffmann",
            "Horvat",
            "Ito",
            "Jansen",
            "Johnson",
            "Kaya",
            "Keller",
            "Khan",
            "Klein",
            "Kovac",
            "Krause",
            "Kumar",
            "Lang",
            "Larsen",
            "Lehmann",
            "Lindqvist",
            "Lopez",
            "Maier",
            "Martin",
            "Mensah",
            "Meyer",
            "Moreau",
            "Nakamura",
            "Nielsen",
            "Novak",
            "Okafor",
            "O'Brien=obrien",
            "Olsen",
            "Park",
            "Patel",
            "Pereira",
            "Peters",
            "Popescu",
            "Ricci",
            "Rossi",
            "Russo",
            "Sato",
            "Schmidt",
            "Schneider",
            "Silva",
            "Simon",
            "Singh",
            "Smith",
            "Tanaka",
            "Torres",
            "Toth",
            "Vargas",
            "Virtanen",
            "Visser",
            "Vogel",
            "Wagner",
            "Walker",
            "Weber",
            "Weiss",
            "Wilson",
            "Winter",
            "Wolf",
            "Yilmaz",
            "Zimmermann",
            "Çelik=celik",
            "Fürst=fuerst",
            "Grünwald=gruenwald",
            "Gómez=gomez",
            "Håkansson=hakansson",
            "Kowalczyk",
            "Lefèvre=lefevre",
            "Müller=mueller",
            "Møller=moller",
            "Nguyễn=nguyen",
            "Núñez=nunez",
            "Ó_Súilleabháin=osuilleabhain",
            "Özdemir=oezdemir",
            "Šimić=simic",
            "Škoda=skoda",
            "Wójcik=wojcik",
            "Żak=zak",
            "García-Márquez=garciamarquez",
            "von_der_Heide=vonderheide",
            "Иванова=ivanova",
            "Παππάς=pappas",
            "佐藤=sato",
        ]
    )
)

CITIES = (
    "Berlin",
    "München",
    "Hamburg",
    "Köln",
    "Wien",
    "Zürich",
    "Madrid",
    "Barcelona",
    "Lisboa",
    "Dublin",
    "London",
    "Amsterdam",
    "Paris",
    "Kraków",
    "Malmö",
    "Remote",
)

# Numbers that regulators keep free for fiction: Berlin, London, Washington.
PHONE_FORMATS = ("+49 30 23125 {0:03d}", "+44 20 7946 0{0:03d}", "+1 202 555 01{1:02d}", "03023125{0:03d}")

COMPANY_NAMES = ("Example Foods", "Sample Robotics", "Placeholder Energy", "Specimen Travel", "Pattern Software")

DEPARTMENTS = (
    "IT",
    "HR",
    "Marketing",
    "Sales",
    "Finance",
    "Operations",
    "Customer Support",
    "Legal",
    "Research & Development",
    "Facility Management",
)

# Category → (stages, job titles)
CATEGORIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Technology": (
        "Screening, Phone interview, Coding task, Technical interview, Final interview",
        ("Software Developer", "Data Engineer", "Site Reliability Engineer", "QA Engineer", "Mobile Developer"),
    ),
    "Commercial": (
        "Screening, First interview, Case study, Final interview",
        ("Account Executive", "Sales Development Representative", "Key Account Manager", "Vertriebsleitung (m/w/d)"),
    ),
    "Marketing": (
        "Screening, First interview, Portfolio review, Final interview",
        ("Content Editor", "Performance Marketing Manager", "Brand Designer", "Chargé·e de communication"),
    ),
    "Administration": (
        "Screening, First interview, Second interview, Reference check",
        ("Payroll Specialist", "Office Coordinator", "Financial Analyst", "Sachbearbeitung Buchhaltung"),
    ),
    "Operations": (
        "Screening, Phone interview, On-site day, Trial shift",
        ("Warehouse Associate", "Logistics Planner", "Fleet Technician", "Shift Lead"),
    ),
    "Student & Entry level": (
        "Screening, Video interview, Assessment day, Final interview",
        ("Working Student Data", "Intern People Operations", "Graduate Engineer", "Apprentice IT"),
    ),
}

CATEGORY_FACTS = tuple(
    CategoryFacts(name=name, stages=tuple(stages.split(", "))) for name, (stages, _) in CATEGORIES.items()
)
JOB_TITLES = tuple(titles for _, titles in CATEGORIES.values())
JOB_SUFFIXES = ("", "", "", " (all genders)", " - Remote", ", Senior", " II")

CHANNELS = ("Career page", "LinkedIn", "Indeed", "StepStone", "Referral", "Agency", "University fair")

ROLES = ("HR manager", "Recruiter", "Hiring manager", "Interviewer")
