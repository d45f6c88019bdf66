"""A synthetic support desk with known truth: customers, tickets, look-ups, and a history played by the kernel."""

from triage_lab.replay.synthetic.desk import Desk, generate_desk
from triage_lab.replay.synthetic.export import write_desk
from triage_lab.replay.synthetic.roster import operations_text, scaled_operations

__all__ = ["Desk", "generate_desk", "operations_text", "scaled_operations", "write_desk"]
