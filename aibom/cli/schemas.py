"""The JSON schemas that aibom brings, for editors and programs."""

from pathlib import Path

#: Of ``aibom.yaml``.
POLICY = "aibom-policy.schema.json"


def schema_text(name: str) -> str:
    """Return a schema: from the installed package, or from beside it in a checkout."""
    packaged = Path(__file__).parent.parent / "_schemas"
    beside = Path(__file__).parent.parent.parent / "schemas"
    return ((packaged if packaged.is_dir() else beside) / name).read_text(encoding="utf-8")
