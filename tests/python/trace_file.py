#!/usr/bin/env python3
"""Reads a trace file as docs/src/trace-file.md describes it, and holds what it finds against the table that evenkeel makes of it.

usage: trace_file.py FILE.evk FILE.csv

It needs zstandard and xxhash from PyPI; without them it says so and ends with code 77.
"""
import csv
import json
import pathlib
import struct
import sys

try:
    import xxhash
    import zstandard
except ImportError as missing:
    print(f"skipped: {missing}; pip install zstandard xxhash")
    sys.exit(77)

COLUMNS = ["at", "tick", "work_ns", "duration_ns", "queued_ns", "key", "client", "backend", "class", "status", "outcome", "bytes", "input", "output", "tries"]
NAMED = ["key", "client", "backend", "class"]
OUTCOMES = ["succeeded", "failed", "refused"]
seen = {"plain": 0, "zstd": 0}


def undress(packed, what):
    """A chunk or a table of names: how, length, checksum, bytes."""
    how, length, checksum = struct.unpack_from("<BIQ", packed)
    body = packed[13:]
    assert xxhash.xxh64_intdigest(body, seed=what << 40 | how << 32 | length) == checksum, "the checksum does not fit"
    assert how in (0, 1), how
    seen["zstd" if how else "plain"] += 1
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(body) if how else body
    assert len(plain) == length, (len(plain), length)
    return plain


def column(plain, records):
    """The values of a column: whole numbers, or None."""
    partial, at = plain[0], 1
    there = [True] * records
    if partial:
        there = [bool(plain[at + number // 8] >> number % 8 & 1) for number in range(records)]
        at += (records + 7) // 8
    base, unit = struct.unpack_from("<QQ", plain, at)
    at += 16
    values, left = [], sum(there)
    while left:
        count = min(left, 256)
        least, width = struct.unpack_from("<QB", plain, at)
        at += 9
        length = (count * width + 7) // 8
        bits = int.from_bytes(plain[at : at + length], "little")
        at += length
        values += [base + (least + (bits >> number * width & (1 << width) - 1)) * unit for number in range(count)]
        left -= count
    assert len(plain) == at + 8, (len(plain), at)
    values = iter(values)
    return [next(values) if is_there else None for is_there in there]


def names(plain):
    (count,) = struct.unpack_from("<I", plain)
    lengths = struct.unpack_from(f"<{count}I", plain, 4)
    texts, at = [], 4 + 4 * count
    for length in lengths:
        texts.append(plain[at : at + length].decode())
        at += length
    assert at == len(plain)
    return texts


def read(data):
    """All records, as rows of the table."""
    assert data[:8] == data[-8:] == b"EVKTRACE" and struct.unpack_from("<II", data, 8) == (1, 0)
    offset, length, checksum = struct.unpack_from("<QQQ", data, len(data) - 32)
    assert offset + length == len(data) - 32
    text = data[offset : offset + length]
    assert xxhash.xxh64_intdigest(text, seed=0) == checksum
    foot = json.loads(text)
    assert xxhash.xxh64_intdigest(data[16:offset], seed=0) == foot["content"]
    tables = {}
    for name, (at, size) in zip(NAMED, foot["names"]):
        tables[name] = names(undress(data[at : at + size], COLUMNS.index(name))) if size else []
    rows, totals = [], {name: [] for name in COLUMNS}
    for block in foot["blocks"]:
        chunks, records = {}, block["records"]
        at, end = block["offset"], block["offset"] + block["bytes"]
        while at < end:
            number, size = struct.unpack_from("<BI", data, at)
            chunks[COLUMNS[number]] = column(undress(data[at + 5 : at + 5 + size], number), records)
            at += 5 + size
        assert at == end
        now = block["at"]
        for record in range(records):
            one = {name: values[record] for name, values in chunks.items()}
            for name, value in one.items():
                if value is not None:
                    totals[name].append(value)
            # The first gap of a block is that from the block before, which the foot says already.
            now += one["at"] if record else 0
            rows.append({"time_ns": foot["first"] + now, **row(one, tables)})
    assert len(rows) == foot["records"] and now == foot["span"]
    for name, total in zip(COLUMNS, foot["totals"]):
        values = totals[name]
        assert total["count"] == len(values), name
        if values:
            assert (total["min"], total["max"]) == (min(values), max(values)), name
            assert abs(total["sum"] - sum(values)) <= 1e-9 * sum(values), name
    return rows


def row(one, tables):
    text = {name: tables[name][one[name]] if one.get(name) is not None else None for name in NAMED}
    return {**one, **text, "outcome": OUTCOMES[one["outcome"]], "tries": one.get("tries") or 0}


def main():
    rows = read(pathlib.Path(sys.argv[1]).read_bytes())
    with open(sys.argv[2], newline="") as file:
        table = list(csv.DictReader(file, strict=True))
    assert len(rows) == len(table), (len(rows), len(table))
    for found, expected in zip(rows, table):
        for name, cell in expected.items():
            value = found.get(name)
            assert ("" if value is None else str(value)) == cell, (name, value, cell)
    print(f"{len(rows)} records, {seen['plain']} plain chunks and {seen['zstd']} packed ones are as they should be")


main()
