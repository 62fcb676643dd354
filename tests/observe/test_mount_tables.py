"""Equal mount tables are one object, and old ones do not pile up."""

from aibom.observe.host.mounttables import MountTables


def text(number: int) -> bytes:
    return b"%d 0 8:1 / /mnt/%d rw - ext4 /dev/sda1 rw\n" % (number, number)


def test_equal_tables_are_one_object() -> None:
    tables = MountTables()
    assert tables.of(text(1)) is tables.of(bytes(text(1)))
    assert tables.of(text(1)) is not tables.of(text(2))


def test_the_oldest_make_room_and_the_newest_stays() -> None:
    tables = MountTables(3 * len(text(1)))
    kept = tables.of(text(1))
    for number in range(2, 10):
        tables.of(text(number))
        assert tables.of(text(1)) is kept
    assert len(tables._kept) == 3
    huge = b"".join(map(text, range(1000)))
    assert tables.of(huge) is tables.of(huge)
    assert len(tables._kept) == 1


def test_what_containers_have_in_common_is_one_object() -> None:
    line = b"%d 1 0:%d / /proc rw,nosuid shared:1 - proc proc rw,hidepid=2\n"
    one, other = (MountTables().of(line % (number, number)).mounts[0] for number in (40, 50))
    assert (one.id, other.id) == (40, 50)
    assert one.device != other.device
    assert one.point is other.point
    assert one.options is other.options
    assert one.options == {"rw": "", "hidepid": "2"}
