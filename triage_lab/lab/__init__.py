"""The Python API: loads, calls the pure rooms, saves; a module a command group."""
