# SPDX-License-Identifier: Apache-2.0
"""The first program of a guest: runs the tests that the plan names and reports each, as one line of
JSON, on the second serial line. The plan lies in the share at the path that the kernel's command line
gives (vakt.plan=). With --unittest it runs one file of Python tests and writes their outcomes."""

import ctypes
import json
import os
import re
import subprocess
import sys
import time
import unittest

REPORT = "/dev/ttyS1"
RECORD = "/run/record.json"  # what a test wants to be kept of its run, where VAKT_TEST_RECORD says
SLOWER = "10"                # emulation to hardware, about: tests that wait take it from VAKT_SLOWER
RB_POWER_OFF = 0x4321FEDC


def report(**fields):
    with open(REPORT, "w", encoding="utf-8") as line:
        line.write(json.dumps(fields) + "\n")


def run(command, environment, seconds):
    """Exit status (None: out of time) and the output's end. Reports which case runs."""
    with open("/run/output", "wb") as out, open("/run/output", "rb") as shown:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=environment, cwd="/tmp",
                                   start_new_session=True)
        deadline = time.monotonic() + seconds
        text = b""
        while (status := process.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.1)
            new = shown.read()
            text = (text + new)[-20000:]
            for name in re.findall(rb"^\[ RUN +\] (\S+)", new, re.MULTILINE):
                report(event="running", name=name.decode())
        if status is None:
            text += "".join(where_is(pid) for pid in members(process.pid)).encode()
            os.killpg(process.pid, 9)
            process.wait()
        return status, (text + shown.read()).decode(errors="replace")


def members(group):
    """Processes of a session, by pid."""
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getsid(int(name)) == group:
                yield int(name)
        except ProcessLookupError:
            pass


def where_is(pid):
    """What a process that does not end is doing."""
    facts = []
    for name in ("comm", "stack", "wchan"):
        try:
            with open(f"/proc/{pid}/{name}", encoding="utf-8") as text:
                facts.append(text.read().strip())
        except OSError as error:
            facts.append(str(error))
    return f"\n{pid} " + "\n".join(facts)


def gtest_cases(path):
    with open(path, encoding="utf-8") as lines:
        suites = json.load(lines)["testsuites"]
    for suite in suites:
        for case in suite["testsuite"]:
            failures = [f["failure"] for f in case.get("failures", [])]
            skipped = case["result"] == "SKIPPED"
            yield {"name": f"{suite['name']}.{case['name']}",
                   "outcome": "failed" if failures else "skipped" if skipped else "passed",
                   "detail": "\n".join(failures)[:2000], "seconds": float(case["time"][:-1])}


def run_suite(test):
    """One ctest entry: a GoogleTest binary or a file of Python tests."""
    outcome = "/run/outcome.json"
    for path in (outcome, RECORD):
        if os.path.exists(path):
            os.unlink(path)
    environment = dict(os.environ, VAKT_TEST_RECORD=RECORD, VAKT_SLOWER=SLOWER, **test["environment"])
    command = list(test["command"])
    if command[-1].endswith(".py"):
        command = [sys.executable, __file__, "--unittest", command[-1], outcome]
    else:
        command.append(f"--gtest_output=json:{outcome}")
    if test.get("only"):
        command.append(f"--gtest_filter={test['only']}")
    begin = time.monotonic()
    status, output = run(command, environment, test["seconds"])
    cases = []
    if os.path.exists(outcome):
        if "--unittest" in command:
            with open(outcome, encoding="utf-8") as lines:
                cases = json.load(lines)
        else:
            cases = list(gtest_cases(outcome))
    for case in cases:
        report(event="case", suite=test["name"], **case)
    if not cases or (status != 0 and all(c["outcome"] != "failed" for c in cases)):
        how = "out of time" if status is None else f"ended with {status}"
        report(event="case", suite=test["name"], name="", outcome="failed", detail=f"{how}\n{output[-3000:]}",
               seconds=time.monotonic() - begin)
    if os.path.exists(RECORD):
        with open(RECORD, encoding="utf-8") as lines:
            report(event="record", suite=test["name"], record=json.load(lines))


class Collector(unittest.TestResult):
    """Outcomes of Python tests as a list of dictionaries."""

    def __init__(self):
        super().__init__()
        self.cases = []

    def startTest(self, test):
        super().startTest(test)
        self._begin = time.monotonic()

    def _add(self, test, outcome, detail=""):
        self.cases.append({"name": ".".join(test.id().split(".")[-2:]), "outcome": outcome,
                           "detail": detail[-2000:], "seconds": round(time.monotonic() - self._begin, 2)})

    def addSuccess(self, test):
        self._add(test, "passed")

    def addSkip(self, test, reason):
        self._begin = getattr(self, "_begin", time.monotonic())
        self._add(test, "skipped", reason)

    def addFailure(self, test, err):
        self._add(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self._begin = getattr(self, "_begin", time.monotonic())
        self._add(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._add(subtest, "failed", self._exc_info_to_string(err, test))


def run_unittest(path, outcome):
    sys.path.insert(0, os.path.dirname(path))
    result = Collector()
    unittest.defaultTestLoader.loadTestsFromName(os.path.basename(path)[:-3]).run(result)
    with open(outcome, "w", encoding="utf-8") as out:
        json.dump(result.cases, out)


def run_plan():
    with open("/proc/cmdline", encoding="utf-8") as line:
        plan_path = re.search(r"vakt\.plan=(\S+)", line.read()).group(1)
    with open(plan_path, encoding="utf-8") as lines:
        plan = json.load(lines)
    os.environ.update({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                       "PYTHONDONTWRITEBYTECODE": "1"})
    report(event="up", version=os.uname().release)
    for test in plan["tests"]:
        report(event="begin", suite=test["name"])
        run_suite(test)
    report(event="done")


def main():
    if sys.argv[1:2] == ["--unittest"]:
        run_unittest(sys.argv[2], sys.argv[3])
        return
    worker = os.fork()
    if worker == 0:
        try:
            run_plan()
        except Exception as error:  # the machine must end, whatever happened; the host sees no "done"
            report(event="error", detail=repr(error))
        os._exit(0)
    while os.wait()[0] != worker:  # the first process takes in orphans
        pass
    time.sleep(0.2)  # the serial line's last bytes
    ctypes.CDLL(None).reboot(RB_POWER_OFF)


if __name__ == "__main__":
    main()
