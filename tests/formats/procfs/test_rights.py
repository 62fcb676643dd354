"""What a process may do and how it is confined, as the kernel and its modules write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.procfs.confinement import Confinement, parse_label
from aibom.formats.procfs.status import CAPABILITIES, mask_of, names_of, parse_rights

STATUS = b"""Name:\tpython3
CapInh:\t0000000000000000
CapPrm:\t0000010000280004
CapEff:\t0000010000280004
CapBnd:\t000001ffffffffff
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t1
"""


def test_rights_of_a_pod() -> None:
    found = parse_rights(STATUS)
    assert found.names == {"DAC_READ_SEARCH", "SYS_PTRACE", "SYS_ADMIN", "CHECKPOINT_RESTORE"}
    assert found.effective == found.permitted == mask_of(found.names)
    assert found.bounding == (1 << 41) - 1
    assert found.no_new_privileges
    assert found.filtered


def test_what_an_old_kernel_does_not_tell_counts_as_nothing() -> None:
    found = parse_rights(b"Name:\tsh\n")
    assert (found.effective, found.no_new_privileges, found.filtered) == (0, False, False)


@given(st.frozensets(st.sampled_from(sorted(CAPABILITIES))))
def test_a_mask_has_the_names_that_it_was_made_of(names: frozenset[str]) -> None:
    assert names_of(mask_of(names)) == names


@given(st.binary(max_size=300))
def test_nothing_but_a_value_error(data: bytes) -> None:
    for cut in (data, STATUS[: len(data)] + data):
        try:
            parse_rights(cut)
        except ValueError:
            continue
        parse_label(cut)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (b"unconfined\n", None),
        (b"", None),
        (b"kernel\0", None),
        (
            b"cri-containerd.apparmor.d (enforce)\n",
            Confinement("AppArmor", "cri-containerd.apparmor.d"),
        ),
        (b"/usr/sbin/named (complain)\n", None),
        (b"snap.a (b) (kill)", Confinement("AppArmor", "snap.a (b)")),
        (b"runc (unconfined)\n", None),
        (
            b"system_u:system_r:container_t:s0:c12,c345\0",
            Confinement("SELinux", "container_t"),
        ),
        (b"system_u:system_r:spc_t:s0\0", None),
        (b"unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023\0", None),
    ],
)
def test_labels(label: bytes, expected: Confinement | None) -> None:
    assert parse_label(label) == expected
