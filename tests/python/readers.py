#!/usr/bin/env python3
"""Reads a report folder with other people's readers and holds what they find against its summary.json.

usage: readers.py DIR

It needs hdrhistogram, prometheus_client, pandas and duckdb from PyPI; without them it says so and ends with code 77.
"""
import csv
import json
import pathlib
import sys

try:
    import duckdb
    import pandas
    from hdrh.histogram import HdrHistogram
    from hdrh.log import HistogramLogReader
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError as missing:
    print(f"skipped: {missing}; pip install hdrhistogram prometheus_client pandas duckdb")
    sys.exit(77)


def near(found, expected, share, what):
    assert abs(found - expected) <= share * abs(expected) + 1e-9, f"{what}: {found}, not {expected}"


def curve(path):
    """(share, value, count) of each line of percentiles, and the numbers of the last three lines."""
    points, last = [], {}
    for line in path.read_text().splitlines()[2:]:
        if line.startswith("#["):
            for part in line[2:-1].split(","):
                name, value = part.split("=")
                last[name.strip()] = float(value)
        else:
            value, share, count = line.split()[:3]
            points.append((float(share), float(value), int(count)))
    return points, last


def intervals(path):
    """All intervals of a log, in one histogram, and how many there were."""
    whole, count, tags = HdrHistogram(1, 1 << 50, 1), 0, set()
    reader = HistogramLogReader(str(path), HdrHistogram(1, 1 << 50, 1))
    while True:
        histogram = reader.get_next_interval_histogram()
        if histogram is None:
            return whole, count, tags
        whole.add(histogram)
        tags.add(histogram.get_tag())
        count += 1


# Columns that hold words; `variant` is empty in a scenario without variants. All others hold numbers, whole ones where they count.
WORDS = {"variant", "balancer", "backend", "metric"}
WHOLE = {"requests", "in_flight_max", "beyond"}


def types(path, rows):
    """Both readers find as many rows, and take numbers for numbers."""
    frame = pandas.read_csv(path)
    table = duckdb.sql(f"SELECT * FROM '{path}'")
    assert len(frame) == rows == len(table.fetchall()), path
    for name, kind in zip(table.columns, table.types):
        # A column without any value has no type.
        if name in WORDS or frame[name].isna().all():
            continue
        assert pandas.api.types.is_numeric_dtype(frame[name]), f"{path}: pandas reads {name} as {frame[name].dtype}"
        assert str(kind) == ("BIGINT" if name in WHOLE else "DOUBLE"), f"{path}: DuckDB reads {name} as {kind}"


def main():
    folder = pathlib.Path(sys.argv[1])
    summary = json.loads((folder / "summary.json").read_text())
    detail = json.loads((folder / "data" / "detail.json").read_text())
    curves = sorted((folder / "histograms").glob("*.hgrm"))
    logs = sorted((folder / "histograms").glob("*.hlog"))
    assert len(curves) == len(logs) == len(summary["results"]), (curves, logs)
    by_count = {(round(result["latency_ms"]["max"], 3), result["requests"]["succeeded"]): (result, of) for result, of in zip(summary["results"], detail["results"])}

    for path in curves:
        points, last = curve(path)
        result, of = by_count[last["Max"], last["Total count"]]
        # No mean is quoted of what never settles; a histogram has one all the same.
        if result["latency_ms"]["mean"] is not None:
            near(last["Mean"], result["latency_ms"]["mean"], 0.001, path)
            near(last["StdDeviation"], result["latency_ms"]["stddev"], 0.001, path)
        # What the reference implementation prints of the same values, buckets as they are.
        oracle = HdrHistogram(1, 1 << 50, 3)
        for least, _, count in of["latency"]["buckets"]:
            oracle.record_value(least, count)
        assert oracle.get_total_count() == last["Total count"]
        for share, value, _ in points:
            if share < 1:
                # A line has twelve decimals, and that reader rounds to the nearest rank: one more or less.
                low, high = (oracle.get_value_at_percentile(100 * (share + by / last["Total count"])) / 1e6 for by in (-1, 1))
                assert low * 0.9989 - 0.00051 <= value <= high * 1.0011 + 0.00051, f"{path} {share}: {value}, not {low} to {high}"
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)):
            near(min(value for at, value, _ in points if at >= share), result["latency_ms"][name], 0.02, f"{path} {name}")

        log = path.with_suffix(".hlog")
        whole, count, tags = intervals(log)
        assert count == len(of["windows"]["offered_rps"]) and tags == {path.stem}, (count, tags)
        parts = sum(count for window in of["windows"]["latencies"] for _, count in window)
        assert whole.get_total_count() == parts, (whole.get_total_count(), parts)
        # Windows have the warm-up, too: the same percentiles but for that and one digit.
        near(whole.get_value_at_percentile(50) / 1e6, result["latency_ms"]["p50"], 0.10, f"{log} p50")

    families = {family.name: family for family in text_string_to_metric_families((folder / "data" / "metrics.txt").read_text())}
    assert families["evenkeel_latency_seconds"].type == "summary" and families["evenkeel_latency_seconds"].unit == "seconds"
    for result in summary["results"]:
        labels = {"balancer": result["balancer"], "variant": result["variant"] or ""}

        def value(family, name, **more):
            found = [sample.value for sample in families[family].samples if sample.name == name and sample.labels == {**labels, **more}]
            assert len(found) == 1, (family, name, found)
            return found[0]

        assert value("evenkeel_requests_succeeded", "evenkeel_requests_succeeded_total") == result["requests"]["succeeded"]
        near(value("evenkeel_latency_seconds", "evenkeel_latency_seconds", quantile="0.99"), result["latency_ms"]["p99"] / 1e3, 1e-9, "p99")
        near(value("evenkeel_success_ratio", "evenkeel_success_ratio"), result["success_rate"], 1e-9, "success")

    rows = 0
    for path in sorted((folder / "data").glob("*.csv")):
        with path.open(newline="") as file:
            table = list(csv.reader(file, strict=True))
        assert len(table) > 1 and all(len(row) == len(table[0]) for row in table), path
        rows += len(table) - 1
        types(path, len(table) - 1)
    print(f"{len(curves)} histograms, {len(logs)} logs, {len(families)} metric families and {rows} rows are as they should be")


main()
