"""Build the snippet into its place."""

from pathlib import Path

from tests import npm
from tools.embed import BUILT, ROOT, build

build(npm.installed(Path(__file__).parent, ROOT), BUILT)
