"""``python -m sdpaflow_sim``: the command ``sdpaflow``."""

import sys

from sdpaflow_sim.cli import main

if __name__ == "__main__":  # processes that this one starts read the file again
    sys.exit(main())
