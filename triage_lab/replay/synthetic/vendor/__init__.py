"""The synthetic desk as the exports of the systems that such a desk would use, each with its own ids and habits."""

from triage_lab.replay.synthetic.vendor.export import SHAPES, write_vendor_desk

__all__ = ["SHAPES", "write_vendor_desk"]
