"""Speed against peers and hand-written limits: ``python -m benchmarks`` (``--quick`` for a small run)."""
