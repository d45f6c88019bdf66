"""Rules as code: the language, its checks, its back ends; no input or output of its own."""

from triage_lab.policy.columns import clause_column, read_columns
from triage_lab.policy.kinds import bind
from triage_lab.policy.parse import parse_predicate
from triage_lab.policy.text import predicate_text

__all__ = ["bind", "clause_column", "parse_predicate", "predicate_text", "read_columns"]
