"""Rules as code: the language, its checks, its back ends; no input or output of its own."""

from triage_lab.policy.actions import actions_plain, set_names, templates_of
from triage_lab.policy.cases import CaseResult, broken_invariants, run_cases
from triage_lab.policy.columns import clause_column, read_columns
from triage_lab.policy.compile_polars import CompiledPolicy, compile_policy
from triage_lab.policy.describe import PolicyRow, columns_read, describe, guard_columns, policy_digest
from triage_lab.policy.document import parse_policy
from triage_lab.policy.interpret import AtomTrace, ItemTrace, Trace, interpret
from triage_lab.policy.kinds import bind
from triage_lab.policy.normal import AtomRow, atoms, explain_atoms, normal_form
from triage_lab.policy.parse import parse_predicate
from triage_lab.policy.polars_predicate import mask, truth
from triage_lab.policy.text import predicate_text

compile = compile_policy

__all__ = [
    "AtomRow",
    "AtomTrace",
    "CaseResult",
    "CompiledPolicy",
    "ItemTrace",
    "PolicyRow",
    "Trace",
    "actions_plain",
    "atoms",
    "bind",
    "broken_invariants",
    "clause_column",
    "columns_read",
    "compile",
    "compile_policy",
    "describe",
    "explain_atoms",
    "guard_columns",
    "interpret",
    "mask",
    "normal_form",
    "parse_policy",
    "parse_predicate",
    "policy_digest",
    "predicate_text",
    "read_columns",
    "run_cases",
    "set_names",
    "templates_of",
    "truth",
]
