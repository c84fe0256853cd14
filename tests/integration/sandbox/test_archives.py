"""Archives among a job's files: what they may hold, and what becomes of those that want more."""
import gzip
import io
import stat
import struct
import tarfile
import zipfile

import pytest

import wire
from wire import MIB, TAR_FILE, ZIP_FILE

LOOK = ["sh", "-c", "find . -mindepth 1 -printf '%P %y %m %l\\n' | LC_ALL=C sort"]


def tar(*entries, mode="w", **options):
    """Entries are (name, contents) or TarInfo, alone or with contents."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, **options) as archive:
        for entry in entries:
            info, data = entry if isinstance(entry, tuple) else (entry, None)
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            if data is not None:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def special(name, kind, linkname="", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target


@pytest.fixture
def unpack(sandbox):
    """unpack(*files): what lies in the work folder then, or the failure (code, index, message)."""

    def unpacked(*files, unpack_bytes=8 * MIB, argv=LOOK, **options):
        box = sandbox("python", **options)
        box.send(wire.job(box.uid, files, unpack_bytes=unpack_bytes) + wire.run(argv))
        kind, payload = box.next_frame()
        if kind == wire.ERROR:
            assert box.exit_code() == 2
            code, index = struct.unpack_from(">2I", payload)
            return code, index, wire.decode_text(payload, 8)
        assert kind == wire.COMPILED
        done = box.done()
        assert done.exit_code == 0, done.stderr
        return done.stdout.decode()

    return unpacked


def test_archives_of_each_format_are_unpacked(unpack):
    entries = [("a.txt", b"a"), ("src/b.py", b"b"), ("src/\u00e9\u4e16.txt", b"c")]
    expected = "a.txt f 644 \nsrc d 755 \nsrc/b.py f 644 \nsrc/\u00e9\u4e16.txt f 644 \n"
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert unpack(("", 0, tar(*entries, format=form), TAR_FILE)) == expected
    assert unpack(("", 0, gzip.compress(tar(*entries)), TAR_FILE)) == expected
    assert unpack(("", 0, zipped(*entries), ZIP_FILE)) == expected.replace("644", "600")
    assert unpack(("", 0, zipped(*entries, method=zipfile.ZIP_STORED), ZIP_FILE)) == expected.replace("644", "600")


def test_modes_links_folders_and_long_names_survive(unpack):
    name = "long/" + "/".join(["n" * 30] * 6)
    script, folder, locked = tarfile.TarInfo("run.sh"), special("./empty/", tarfile.DIRTYPE, mode=0o700), tarfile.TarInfo("l")
    script.mode, locked.mode = 0o4755, 0
    archive = tar(special("./", tarfile.DIRTYPE), folder, (script, b"#!"), (locked, b""), (name, b"x"),
                  special("near", tarfile.SYMTYPE, "run.sh"), special("long/up", tarfile.SYMTYPE, "../run.sh"),
                  special("same", tarfile.LNKTYPE, "run.sh"))
    seen = unpack(("", 0, archive, TAR_FILE)).splitlines()
    for line in ("run.sh f 755 ", "l f 600 ", "same f 755 ", "near l 777 run.sh", "long/up l 777 ../run.sh", name + " f 644 "):
        assert line in seen
    assert any(line.startswith("empty d ") for line in seen)


def test_an_archive_goes_where_its_path_says_and_plain_files_win(unpack):
    archive = tar(("main.py", b"archive"), ("x", b"archive"))
    seen = unpack(("main.py", 0o600, b"plain"), ("lib/deep", 0, archive, TAR_FILE), ("", 0, zipped(("main.py", b"zip")), ZIP_FILE),
                  argv=["sh", "-c", "cat main.py lib/deep/main.py lib/deep/x"])
    assert seen == "plainarchivearchive"


def test_a_later_entry_replaces_an_earlier_one(unpack):
    archive = tar(("a", b"1"), ("a", b"2"), special("b", tarfile.SYMTYPE, "a"), ("b", b"3"))
    assert unpack(("", 0, archive, TAR_FILE), argv=["cat", "a", "b"]) == "23"


LEAVING = {
    "an absolute name": tar(("/tmp/evil", b"x")),
    "a name with dots": tar(("../evil", b"x")),
    "dots in the middle": tar(("a/../../evil", b"x")),
    "dots at the end": tar(special("a/..", tarfile.DIRTYPE)),
    "an absolute link": tar(special("a", tarfile.SYMTYPE, "/etc/passwd")),
    "a link upwards": tar(special("a/b", tarfile.SYMTYPE, "../../etc/passwd")),
    "a link down and up": tar(special("a", tarfile.SYMTYPE, "x/../../y")),
    "a hard link out": tar(special("a", tarfile.LNKTYPE, "/etc/passwd")),
    "a hard link upwards": tar(special("a", tarfile.LNKTYPE, "../../etc/passwd")),
    "a name that is too long": tar(("n/" * 200 + "n", b"x"), format=tarfile.PAX_FORMAT),
    "a component that is too long": tar(("n" * 256, b"x"), format=tarfile.PAX_FORMAT),
    "zip: a name with dots": zipped(("../../evil", b"x")),
    "zip: an absolute name": zipped(("/tmp/evil", b"x")),
    "zip: an absolute link": zipped(zip_link("a", "/etc/passwd")),
}
CLASHING = {
    "a file through a link": tar(special("a", tarfile.SYMTYPE, "b"), special("b", tarfile.DIRTYPE, mode=0o755), ("a/evil", b"x")),
    "a file through a link to itself": tar(special("a", tarfile.SYMTYPE, "."), ("a/evil", b"x")),
    "a file as a folder": tar(("a", b"x"), ("a/b", b"x")),
    "a folder as a file": tar(("a/b", b"x"), ("a", b"x")),
    "a hard link to nothing": tar(special("a", tarfile.LNKTYPE, "b")),
    "a hard link to a folder": tar(special("b", tarfile.DIRTYPE, mode=0o755), special("a", tarfile.LNKTYPE, "b")),
    "a hard link through a link": tar(("d/f", b"x"), special("a", tarfile.SYMTYPE, "d"), special("h", tarfile.LNKTYPE, "a/f")),
    "zip: a file through a link": zipped(zip_link("a", "b"), ("b/x", b"x"), ("a/evil", b"x")),
}
SPECIAL = {
    "a character device": tar(special("null", tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "a block device": tar(special("sda", tarfile.BLKTYPE, devmajor=8, devminor=0)),
    "a pipe": tar(special("pipe", tarfile.FIFOTYPE)),
}
whole = gzip.compress(tar(("a", bytes(range(256)) * 1000)))
DAMAGED = {
    "nothing": b"",
    "noise": b"\x8f\x12 this is no archive" * 100,
    "a truncated tar": tar(("a", b"x" * 10000))[:3000],
    "a truncated gzip": whole[:len(whole) // 2],
    "a gzip with a wrong byte": whole[:len(whole) // 2] + b"\0\xff\0" + whole[len(whole) // 2 + 3:],
    "a zip as a tar": zipped(("a", b"x")),
    "a tar with a negative size": tar(("a", b"x"))[:124] + b"\xff" * 12 + tar(("a", b"x"))[136:],
}
zipped_up = zipped(("a", bytes(range(256)) * 400))
DAMAGED_ZIPS = {
    "a tar as a zip": tar(("a", b"x")),
    "a truncated zip": zipped_up[:len(zipped_up) // 3],
    "a zip with a wrong byte": zipped_up[:60] + b"\xff\xff\xff\xff" + zipped_up[64:],
    "an encrypted zip": zipped_up[:6] + b"\1" + zipped_up[7:].replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"),
}


def zip_or_tar(name, data):
    return ("", 0, data, ZIP_FILE if name.startswith("zip") else TAR_FILE)


@pytest.mark.parametrize("cases, says", [(LEAVING, "leads out"), (CLASHING, "in each other's way"), (SPECIAL, "no file, folder or link")],
                         ids=["leaving", "clashing", "special"])
def test_hostile_entries_are_refused(unpack, cases, says):
    for name, data in cases.items():
        answer = unpack(("fine.txt", 0o600, b""), zip_or_tar(name, data))
        assert answer[:2] == (wire.FAILURE_ARCHIVE, 1) and says in answer[2], (name, answer)


def test_damaged_archives_are_refused(unpack):
    for name, data in DAMAGED.items():
        answer = unpack(("", 0, data, TAR_FILE))
        assert answer[:2] == (wire.FAILURE_ARCHIVE, 0) and "damaged" in answer[2], (name, answer)
    for name, data in DAMAGED_ZIPS.items():
        answer = unpack(("", 0, data, ZIP_FILE))
        assert answer[:2] == (wire.FAILURE_ARCHIVE, 0) and "damaged" in answer[2], (name, answer)


def huge_sparse():
    """A file of 8 EiB - 1, none of it there: GNU's format for holes, written by hand."""
    info = special("hole", b"S", size=512)
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[386:398], head[398:410] = b"00000000000\0", b"00000001000\0"
    head[483:495] = b"\x80" + (2**63 - 1).to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + b"x" * 512 + bytes(1024)


BOMBS = {
    "a tar of zeros": (gzip.compress(tar(("zeros", bytes(64 * MIB)))), "more than fits"),
    "a million entries": (gzip.compress(b"".join(special(f"d{i}", tarfile.DIRTYPE).tobuf() for i in range(5000))) * 200, "too many entries"),
    "the same entry a million times": (gzip.compress(special("d", tarfile.DIRTYPE).tobuf() * 1000) * 1000, "too many entries"),
    "holes": (huge_sparse(), "more than fits"),
    "zip of zeros": (zipped(("zeros", bytes(64 * MIB))), "more than fits"),
    "zip of entries": (zipped(*((f"e{i}", b"") for i in range(20_000))), "too many entries"),
    "a gigabyte that is announced": (gzip.compress(special("zeros", tarfile.REGTYPE, size=1 << 30).tobuf() + bytes(16 * MIB)), "more than fits"),
    "folders": (tar(*(("/".join([f"f{i}"] + ["x"] * 100), b"") for i in range(1000)), format=tarfile.PAX_FORMAT), "more than fits"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_meet_a_bound(unpack, name):
    data, says = BOMBS[name]
    assert len(data) < 7 * MIB
    answer = unpack(zip_or_tar(name, data))
    assert answer[:2] == (wire.FAILURE_ARCHIVE, 0) and says in answer[2], answer


def header_bomb(kind):
    """A header's own extension, of 256 MiB."""
    return gzip.compress(special("x", kind, size=256 * MIB).tobuf()) + gzip.compress(b"16 comment=abcd\n" * 65536) * 256 + gzip.compress(tar(("a", b"")))


@pytest.mark.parametrize("data", [header_bomb(b"x"), header_bomb(b"g"), header_bomb(b"L"), header_bomb(b"K")], ids=list("xgLK"))
def test_headers_are_bounded(unpack, data):
    answer = unpack(("", 0, data, TAR_FILE))
    assert answer == "a f 644 \n" or answer[0] == wire.FAILURE_ARCHIVE, answer


def test_the_bounds_hold_for_all_archives_together(unpack):
    one = ("", 0, tar(("a", b"x" * MIB)), TAR_FILE)
    assert unpack(one, one, unpack_bytes=2 * MIB) == "a f 644 \n"
    assert unpack(one, one, one, unpack_bytes=2 * MIB)[:2] == (wire.FAILURE_ARCHIVE, 2)


def test_an_archive_larger_than_the_folder_says_so(unpack):
    archives = [(f"d{i}", 0, gzip.compress(tar(("a", bytes(40 * MIB)))), TAR_FILE) for i in range(2)]
    answer = unpack(*archives, unpack_bytes=1024 * MIB)
    assert answer[:2] == (wire.FAILURE_ARCHIVE, 1) and "more than fits" in answer[2]


def test_a_plain_file_in_an_archives_way_is_the_archives_fault(unpack):
    answer = unpack(("", 0, tar(("main.py/x", b"")), TAR_FILE), ("main.py", 0o600, b""))
    assert answer[:2] == (wire.FAILURE_ARCHIVE, 1) and "in each other's way" in answer[2]
