"""A synthetic support desk with known truth: customers, tickets, look-ups, and a history played by the kernel."""

from triage_lab.replay.synthetic.desk import Desk, generate_desk
from triage_lab.replay.synthetic.export import write_desk
from triage_lab.replay.synthetic.roster import operations_text, scaled_operations
from triage_lab.replay.synthetic.vendor import SHAPES, write_vendor_desk

__all__ = [
    "SHAPES",
    "Desk",
    "generate_desk",
    "operations_text",
    "scaled_operations",
    "write_desk",
    "write_vendor_desk",
]
