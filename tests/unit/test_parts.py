"""Cutting large files: S3's limits hold for every size up to 5 TB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.core.parts import MAX_PART, MAX_PARTS, MIN_PART, part_count, part_length, part_size
from longshore.core.sizes import MAX_SIZE, MIB


@given(st.integers(0, MAX_SIZE))
def test_every_size_fits_into_the_parts_that_s3_allows(size: int) -> None:
    count, each = part_count(size), part_size(size)

    assert 1 <= count <= MAX_PARTS
    assert MIN_PART <= each <= MAX_PART
    assert each * (count - 1) + part_length(size, count) == size


def test_the_largest_file() -> None:
    assert (part_size(MAX_SIZE), part_count(MAX_SIZE)) == (525 * MIB, 9987)


@pytest.mark.parametrize("number", [0, 3])
def test_there_is_no_part_beyond(number: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        part_length(16 * MIB, number)
