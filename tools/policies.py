"""The generator of the functions' policies in `.chalice`, for every stage."""

from pathlib import Path

from infra import config, policies

ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    for stage in config.stages(ROOT):
        policies.write(ROOT, stage)
