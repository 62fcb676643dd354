"""``python -m aibom``."""

import sys

from aibom.cli.main import main

sys.exit(main())
