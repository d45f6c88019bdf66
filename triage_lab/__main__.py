"""``python -m triage_lab`` is the command ``triage-lab``."""

import sys

if __name__ == "__main__":
    try:
        from triage_lab.cli.main import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()
