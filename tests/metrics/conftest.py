"""Makes the slow twins in tests/ importable, whichever tests are run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
