"""What is planted in the synthetic desk: vocabularies, mixes and rates, all in one place.

Everything here is invented. The numbers are chosen so that the desk behaves like a mid-sized support
organisation: tickets cluster in few accounts, today's routing is wrong for about one ticket in four, and
look-ups fail and err now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

DAY = 86_400
HOUR = 3_600
REFERENCE_TICKETS = 20_000
WINDOW_START = int(datetime(2026, 8, 3, tzinfo=UTC).timestamp())
WINDOW_DAYS = 90
WINDOW_END = WINDOW_START + WINDOW_DAYS * DAY  # 2026-11-01; Europe leaves summer time on 2026-10-25
LAB_ZONE = "Europe/Berlin"
LAB_CURRENCY = "EUR"
MRR_HIGH_MINOR = 500_000
MRR_MID_MINOR = 50_000
FAR = 2**60  # an instant that never comes

TIERS = ("basic", "pro", "business", "enterprise")
REGIONS = ("emea", "amer", "apac")
REGION_SHARE = (0.46, 0.37, 0.17)
REGION_ZONES = (("Europe/Berlin", "Europe/Madrid", "Europe/Paris"), ("America/New_York",), ("Asia/Singapore",))
MODULES = ("core", "analytics", "payments", "api")
PRIORITIES = ("urgent", "high", "normal", "low")
TYPES = ("question", "incident", "request")
LANGUAGES = ("en", "de", "fr", "es")
CHANNELS = ("email", "chat", "phone", "portal", "webhook")


@dataclass(frozen=True, slots=True)
class Subject:
    """One subcategory: its share of the category, its ticket types, and how urgent it tends to be.

    ``types`` are weights of question, incident, request; ``urgency`` of urgent, high, normal, low.
    """

    category: str
    name: str
    share: float
    types: tuple[float, float, float]
    urgency: tuple[float, float, float, float]


_ASK, _BREAK, _WANT = (0.7, 0.05, 0.25), (0.1, 0.85, 0.05), (0.2, 0.05, 0.75)
_CALM, _USUAL, _HOT = (0.01, 0.08, 0.66, 0.25), (0.03, 0.15, 0.67, 0.15), (0.14, 0.36, 0.45, 0.05)
SUBJECTS = (
    Subject("billing", "invoice_question", 0.36, _ASK, _CALM),
    Subject("billing", "dispute", 0.16, _BREAK, _USUAL),
    Subject("billing", "refund", 0.14, _WANT, _USUAL),
    Subject("billing", "payment_failed", 0.20, _BREAK, _USUAL),
    Subject("billing", "dunning", 0.14, _ASK, _CALM),
    Subject("contract", "clause_question", 0.22, _ASK, _CALM),
    Subject("contract", "amendment", 0.44, _WANT, _USUAL),
    Subject("contract", "termination", 0.17, _WANT, _USUAL),
    Subject("contract", "dpa", 0.17, _ASK, _CALM),
    Subject("renewal", "quote", 0.52, _WANT, _USUAL),
    Subject("renewal", "downgrade", 0.26, _WANT, _USUAL),
    Subject("renewal", "term_change", 0.22, _WANT, _CALM),
    Subject("technical", "bug", 0.55, _BREAK, _USUAL),
    Subject("technical", "outage", 0.15, _BREAK, _HOT),
    Subject("technical", "integration", 0.30, _ASK, _USUAL),
    Subject("access", "sso", 0.30, _BREAK, _USUAL),
    Subject("access", "password", 0.42, _WANT, _USUAL),
    Subject("access", "permissions", 0.28, _WANT, _CALM),
    Subject("onboarding", "setup", 0.46, _ASK, _USUAL),
    Subject("onboarding", "training", 0.30, _WANT, _CALM),
    Subject("onboarding", "migration", 0.24, _WANT, _USUAL),
)
CATEGORIES = tuple(dict.fromkeys(subject.category for subject in SUBJECTS))
# Share of each category (in the order of CATEGORIES) for accounts of each region.
CATEGORY_SHARE = {
    "emea": (0.29, 0.14, 0.06, 0.26, 0.17, 0.08),
    "amer": (0.28, 0.12, 0.07, 0.28, 0.17, 0.08),
    "apac": (0.24, 0.11, 0.05, 0.30, 0.17, 0.13),
}
# Weights of CHANNELS by category.
CHANNEL_SHARE = {
    "billing": (0.52, 0.12, 0.10, 0.20, 0.06),
    "contract": (0.70, 0.03, 0.07, 0.20, 0.00),
    "renewal": (0.60, 0.05, 0.18, 0.17, 0.00),
    "technical": (0.30, 0.22, 0.06, 0.27, 0.15),
    "access": (0.28, 0.34, 0.12, 0.26, 0.00),
    "onboarding": (0.40, 0.24, 0.10, 0.26, 0.00),
}
# Weights of MODULES by category.
MODULE_SHARE = {
    "billing": (0.25, 0.10, 0.55, 0.10),
    "contract": (0.60, 0.15, 0.15, 0.10),
    "renewal": (0.55, 0.25, 0.12, 0.08),
    "technical": (0.34, 0.20, 0.18, 0.28),
    "access": (0.66, 0.14, 0.08, 0.12),
    "onboarding": (0.48, 0.22, 0.12, 0.18),
}
LANGUAGE_SHARE = {"emea": (0.58, 0.26, 0.11, 0.05), "amer": (0.86, 0.0, 0.02, 0.12), "apac": (1.0, 0.0, 0.0, 0.0)}
MAIL_INBOX = {"billing": "billing-mail", "contract": "legal-mail"}  # other mail goes to support-mail

TEAMS = (
    "support", "billing", "renewal-sme", "legal-ops", "high-touch", "technical", "onboarding", "collections", "triage",
)  # fmt: skip
PROTECTED = ("billing", "contract", "renewal")  # categories where money or a contract is at stake
LEGAL_SUBCATEGORIES = ("termination", "dpa")
DUNNING_SUBCATEGORIES = ("dunning", "payment_failed")
RENEWAL_WINDOW_DAYS = 60
# Touch time of the resolving team: mean minutes; the coefficient of variation is HANDLE_CV.
HANDLE_MEAN = {
    "support": 36.0, "billing": 23.0, "renewal-sme": 36.0, "legal-ops": 46.0, "high-touch": 44.0, "technical": 31.0,
    "onboarding": 44.0, "collections": 19.0, "triage": 18.0,
}  # fmt: skip
HANDLE_FACTOR = {
    "billing": 0.95, "contract": 1.15, "renewal": 1.05, "technical": 1.1, "access": 0.65, "onboarding": 1.0,
}  # fmt: skip
HANDLE_CV = 0.8
HANDLE_MIN_SECONDS, HANDLE_MAX_SECONDS = 60, 5 * HOUR


@dataclass(frozen=True, slots=True)
class Source:
    """One system that is asked for a field: how often it fails, is old, or is wrong.

    ``miss`` and ``error`` are shares of look-ups; ``stale`` and ``wrong`` are shares of the answers.
    """

    name: str
    miss: float
    error: float
    stale: float
    wrong: float


LOOKUPS: dict[str, tuple[Source, ...]] = {  # per field: the fallback chain, asked until one answers
    "mrr": (Source("crm", 0.045, 0.012, 0.030, 0.025), Source("billing", 0.020, 0.008, 0.010, 0.020)),
    "contract_tier": (Source("crm", 0.035, 0.012, 0.030, 0.022), Source("clm", 0.050, 0.015, 0.010, 0.020)),
    "contract_end": (Source("clm", 0.060, 0.015, 0.020, 0.025), Source("crm", 0.060, 0.012, 0.030, 0.035)),
    "legal_flag": (Source("clm", 0.010, 0.008, 0.020, 0.0),),
    "balance_due": (Source("billing", 0.020, 0.008, 0.020, 0.016),),
    "open_opportunity_amount": (Source("crm", 0.015, 0.010, 0.030, 0.030),),
    "churn_risk": (Source("crm", 0.024, 0.010, 0.060, 0.020),),
}
CRITICAL_FIELDS = ("mrr", "contract_tier", "contract_end", "legal_flag")
LEGAL_FALSE_POSITIVE = 0.03
LEGAL_FALSE_NEGATIVE = 0.06


@dataclass(frozen=True, slots=True)
class Rates:
    """Every other planted share, as a fraction."""

    tickets_per_account: int = 12
    pareto_shape: float = 1.3
    largest_account: float = 60.0  # times the smallest
    without_account: float = 0.04
    duplicates: float = 0.03
    duplicate_deliveries: float = 0.01
    wrong_first_team: float = 0.06
    resolver_noise_of_misrouted: float = 0.09
    labelled_truth: float = 0.15
    labelled_fields: float = 0.03
    labelled_fields_least: int = 400
    vendor_disagrees: float = 0.01
    legal_flagged: tuple[float, float, float, float] = (0.02, 0.04, 0.07, 0.11)  # by contract tier
    legal_amended: float = 0.02
    upgraded: float = 0.06
    churn_rescored: float = 0.10
    cancelled: float = 0.03
    not_renewed: float = 0.10
    dollars_in_amer: float = 0.6
    invoice_late: float = 0.09
    invoice_disputed: float = 0.03
    with_opportunity: float = 0.35


RATES = Rates()
