"""The Python API: loads, calls the pure rooms, saves; a module a command group."""

from triage_lab.lab.workbench import Lab, open_lab

__all__ = ["Lab", "Run", "demo", "generate", "init", "open_lab"]


def __getattr__(name: str) -> object:
    """Load the heavier verbs on first use."""
    from importlib import import_module

    homes = {"Run": "recorded", "demo": "demonstration", "generate": "generation", "init": "founding"}
    if name in homes:
        return getattr(import_module(f"triage_lab.lab.{homes[name]}"), name)
    raise AttributeError(name)
