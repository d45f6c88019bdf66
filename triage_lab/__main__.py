"""``python -m triage_lab`` is the command ``triage-lab``."""

from triage_lab.cli.main import main

if __name__ == "__main__":
    main()
