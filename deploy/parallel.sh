#!/bin/sh
# The shards of a sweep with GNU parallel: on this machine, or on those of a file of hosts (--sshlogin of parallel, with evenkeel and the folder on each).
#
#   deploy/parallel.sh SCENARIO OUT SHARDS --vary … [any option of evenkeel sweep]
set -eu
scenario=$1 out=$2 shards=$3
shift 3

mkdir -p "$out"
# One thread a shard: parallel runs as many at once as there are cores. A shard that fails is tried twice more, and goes on where it was.
seq "$shards" | parallel --retries 3 --joblog "$out/jobs.log" --halt soon,fail=1 \
    evenkeel sweep "$scenario" "$@" --shard "{}/$shards" --out "$out/shard-{}" --resume --threads 1 --quiet

set -- "$out"/shard-*
exec evenkeel merge "$@" --out "$out/sweep"
