#!/bin/sh
# The shards of a sweep with HyperQueue (`hq server start` and workers run already). --shard auto reads HQ_TASK_ID, which begins at 0 here.
#
#   deploy/hyperqueue.sh SCENARIO OUT SHARDS --vary … [any option of evenkeel sweep]
set -eu
scenario=$1 out=$2 shards=$3
shift 3

mkdir -p "$out"
# A task whose worker is lost is started again by HyperQueue, and goes on where it was.
hq submit --array "0-$((shards - 1))" --cpus 1 --env EVENKEEL_SHARDS="$shards" --wait -- \
    sh -c 'exec evenkeel sweep "$@" --shard auto --out "$0/shard-$HQ_TASK_ID" --resume --threads 1 --quiet' "$(realpath "$out")" "$(realpath "$scenario")" "$@"

set -- "$out"/shard-*
exec evenkeel merge "$@" --out "$out/sweep"
