"""A desk inferred from a log that nobody wrote a roster for; every value with its evidence."""

from triage_lab.replay.inference.desk import infer_desk
from triage_lab.replay.inference.findings import (
    InferredCalendar,
    InferredDesk,
    InferredInbox,
    InferredTarget,
    InferredTeam,
    InferredTimes,
    InferredWindow,
)

__all__ = [
    "InferredCalendar",
    "InferredDesk",
    "InferredInbox",
    "InferredTarget",
    "InferredTeam",
    "InferredTimes",
    "InferredWindow",
    "infer_desk",
]
