#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delivery_oracle.py JOURNAL STORE SINK-FILE

Judges a run of delivery_kill_test.py, by itself: it knows what the agent had promised (JOURNAL) and
reads the collector's database and the sink's file, with nothing of the programs that were killed.

JOURNAL has lines "durable EPOCH SEQ" and "acknowledged EPOCH SEQ": up to there. Every such alert
must be in the store once, in the node's order, or, if it was durable only, in a gap that names it as
given up for want of room. Debug messages (every fourth) may have been deleted by retention. The file
must have each alert at least once, in order of first appearance.

Prints what it counted; exits with 1 and says what is wrong otherwise."""

import json
import os
import sqlite3
import sys

ALERT, GAP = 1, 2  # record.kind
RECORD_GAP, GAP_COUNT = 11, 4  # fields of vakt.v1.Record and Gap
SHED_REASONS = ("spool_quota", "spool_disk_full")


def fields(message):
    """(number, value) of an encoded protobuf message: integers and bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            size = varint()
            yield tag >> 3, message[at:at + size]
            at += size
        elif tag & 7 == 1:
            yield tag >> 3, message[at:at + 8]
            at += 8
        else:
            raise ValueError(f"wire type {tag & 7}")


class Wrong(Exception):
    pass


def check(good, what):
    if not good:
        raise Wrong(what)


def read_journal(path):
    """By epoch the last durable sequence number; the last acknowledged position."""
    durable, acknowledged = {}, (0, 0)
    with open(path) as lines:
        for line in lines:
            what, epoch, seq = line.split()
            position = (int(epoch), int(seq))
            if what == "acknowledged":
                acknowledged = max(acknowledged, position)
            else:
                durable[position[0]] = max(durable.get(position[0], 0), position[1])
    return durable, acknowledged


def read_store(path):
    """The node's records, in the order in which they were stored. Without the collector's own alerts
    about it: that it was silent, say."""
    database = sqlite3.connect(path)
    check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the database is damaged")
    breaks = database.execute("SELECT sum(chain_breaks) FROM node").fetchone()[0]
    check(breaks == 0, f"{breaks} breaks of the chain")
    return database.execute(
        "SELECT run.epoch, record.seq, record.kind, record.uid, payload.bytes FROM record "
        "JOIN run ON run.id = record.run_id JOIN payload ON payload.id = record.id "
        "WHERE run.node_id != 0 ORDER BY record.id").fetchall()


def gap_count(record):
    """How many records a gap stands for, the one at its own position included."""
    body = dict(fields(dict(fields(record))[RECORD_GAP]))
    texts = [value for value in body.values() if isinstance(value, bytes)]
    check(any(value.decode("latin-1") in SHED_REASONS for value in texts),
          f"a gap that is not for want of room: {texts}")
    return body[GAP_COUNT]


def judge(journal, store, sink):
    durable, acknowledged = read_journal(journal)
    accounted = {}  # by epoch: sequence numbers that are stored or told as given up
    uids, given_up, last = [], 0, (0, 0)
    for epoch, seq, kind, uid, payload in read_store(f"{store}/vakt.db"):
        check((epoch, seq) > last, f"{epoch}/{seq} is stored after {last}: twice or out of order")
        last = (epoch, seq)
        if kind == ALERT:
            uids.append(uid)
            accounted.setdefault(epoch, set()).add(seq)
        else:
            check(kind == GAP, f"a record of kind {kind}")
            count = gap_count(payload)
            given_up += count
            accounted.setdefault(epoch, set()).update(range(seq - count + 1, seq + 1))
    check(len(uids) == len(set(uids)), "an alert is stored twice")
    check(last >= acknowledged, f"{acknowledged} was acknowledged, the store ends at {last}")
    for epoch, seq in durable.items():
        kept = accounted.get(epoch, set())
        lost = [n for n in range(1, seq + 1) if n not in kept and n % 4 != 0]
        check(not lost, f"of epoch {epoch}, {len(lost)} durable alerts are lost: {lost[:5]}...")
    check_sink(sink, uids)
    expired = sum(1 for epoch, seq in durable.items() for n in range(4, seq + 1, 4)
                  if n not in accounted.get(epoch, set()))
    return sum(durable.values()), len(uids), given_up, expired


def check_sink(path, uids):
    first = []
    seen = set()
    if not uids and not os.path.exists(path):
        return  # nothing was ever stored
    with open(path, errors="replace") as lines:
        for line in lines:
            try:
                uid = json.loads(line)["uid"]
            except ValueError:
                continue  # cut by a kill: it comes again whole
            if uid not in seen:
                seen.add(uid)
                first.append(uid)
    missing = [uid for uid in uids if uid not in seen]
    check(not missing, f"the sink's file lacks {len(missing)} alerts: {missing[:3]}")
    stored = set(uids)
    check([uid for uid in first if uid in stored] == uids, "the sink's file is out of order")


def main():
    try:
        durable, stored, given_up, expired = judge(*sys.argv[1:4])
    except Wrong as wrong:
        print(f"oracle: {wrong}")
        return 1
    print(f"{durable} durable alerts: {stored} stored, {given_up} told as given up, {expired} expired, "
          "0 lost, 0 twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
