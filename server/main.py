"""What the desktop bundle (manifest.json) starts."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from reka_clips.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
