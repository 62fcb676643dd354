"""The files of an image in little memory are those of a dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.types.declared import ImageFile
from aibom.types.imagefiles import ImageFiles

DIGESTS = st.sampled_from(["", "ab" * 32, "cd" * 32, "0f" * 32])
FILES = st.builds(
    ImageFile, DIGESTS, st.integers(0, 2**40), st.sampled_from("xyz"), st.sampled_from(["", "p"])
)
PATHS = st.text(st.characters(), max_size=6) | st.just("/a\udcff")


@given(st.dictionaries(PATHS, FILES))
def test_they_are_those_of_a_dictionary(files: dict[str, ImageFile]) -> None:
    for held in (ImageFiles(files.items()), ImageFiles.of(ImageFiles(files.items()).columns)):
        assert held == files
        assert len(held) == len(files)
        for digest in ("ab" * 32, "cd" * 32, "11" * 32, ""):
            paths = [path for path in held if digest and files[path].sha256 == digest]
            assert held.with_content(digest) == (paths[0] if paths else None)
        assert "/never there/" not in held


def test_what_is_no_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        ImageFiles([("/a", ImageFile("abcd", 1, ""))])


@pytest.mark.parametrize("column", [1, 2, 3, 4, 5, 6, 7])
def test_columns_that_do_not_belong_together_are_refused(column: int) -> None:
    files = {f"/{n}": ImageFile("ab" * 32, n, str(n), str(n)) for n in range(4)}
    columns = list(ImageFiles(files.items()).columns)
    columns[column] = columns[column][:-1]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"column|length|size"):
        ImageFiles.of(tuple(columns))  # type: ignore[arg-type]
