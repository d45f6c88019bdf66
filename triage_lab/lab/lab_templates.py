"""Ready labs for the three jobs that revenue teams bring: what each is for, its policy, its promises."""

from __future__ import annotations

from dataclasses import dataclass

from triage_lab.domain.errors import UsageError
from triage_lab.lab.assets import asset
from triage_lab.lab.fields import nearest

BASELINE = "current"
_LEGAL_PROMISE = (
    "  - {id: ack-legal, match: \"category = 'contract' OR legal_flag = TRUE\", metric: acknowledge, limit: 4h, "
    "calendar: berlin}\n"
)
_DEAL_PROMISE = (
    '  - {id: first-deal, match: "open_opportunity_amount > 0", metric: first_action, limit: 2h, calendar: berlin}\n'
)


@dataclass(frozen=True, slots=True)
class LabTemplate:
    """A ready lab: the policy under test, promises put before those of the desk, and texts for its README."""

    name: str
    policy: str
    promises: str
    title: str
    purpose: str
    measures: str


TEMPLATES = {
    template.name: template
    for template in (
        LabTemplate(
            "billing", "billing-protection", "", "Billing disputes and revenue protection",
            "Does it pay to decide billing tickets by what is known about the customer: the renewal window, recurring "
            "revenue,\na flagged clause? Small payment tickets are answered and closed; everything that could hurt "
            "is kept from that.",
            "First action in time by revenue tier, wrong first owners, hand-offs, the revenue of accounts with a late "
            "ticket;\nwhat is never automated is proved by the policy's `invariants` on every replayed ticket.",
        ),
        LabTemplate(
            "contracts", "contract-handoff", _LEGAL_PROMISE, "Contract exceptions and hand-offs to legal",
            "Do tickets that touch a clause reach legal at once, with the deadline and the people who wait? A flagged "
            "clause\noutranks the category, and an unknown flag is for a person.",
            "Time until legal acknowledges (target `ack-legal`, 4 hours of the legal team's calendar), wrong first "
            "owners,\nhand-offs per ticket, tickets sent to manual triage because a flag is unknown.",
        ),
        LabTemplate(
            "handoffs", "sales-handoff", _DEAL_PROMISE, "Hand-offs between support, sales and customer success",
            "Do renewals slip because nobody owns the ticket? A ticket of an account with an open deal has high "
            "priority, one\nowner of record, a joint queue beside him, and sales hears of it.",
            "First action on tickets with an open deal (target `first-deal`, 2 hours), hand-offs per ticket, one owner "
            "of record\nat every moment (a gate), the revenue of accounts with a late ticket.",
        ),
    )
}  # fmt: skip


def read_template(name: str) -> LabTemplate:
    """Return a template by its name.

    Raises
    ------
    UsageError
        There is no such template.
    """
    if name not in TEMPLATES:
        raise UsageError(f"no template '{name[:40]}'", nearest(name, TEMPLATES), "correct --template")
    return TEMPLATES[name]


def template_files(template: LabTemplate, tickets: int = 20_000) -> dict[str, str]:
    """Return the texts of a template by their path in the lab; the desk is sized for ``tickets``."""
    from triage_lab.replay.synthetic import operations_text

    desk = operations_text(tickets)
    readme = asset("starters", "template.md").read_text("utf-8")
    return {
        "README.md": readme.format(
            title=template.title, purpose=template.purpose, measures=template.measures, policy=template.policy
        ),
        "operations.yaml": desk.replace("\nsla:\n", "\nsla:\n" + template.promises, 1),
        **{
            f"policies/{name}.yaml": asset("policies", f"{name}.yaml").read_text("utf-8")
            for name in (BASELINE, template.policy)
        },
        **{f"templates/{path.name}": path.read_text("utf-8") for path in sorted(asset("templates").glob("*.md"))},
    }
