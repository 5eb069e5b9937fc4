"""`python -m tools.policies` writes the functions' policies of every stage (`make generated` calls it)."""

from pathlib import Path

from infra import config, policies

ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    for stage in config.stages(ROOT):
        policies.write(ROOT, stage)
