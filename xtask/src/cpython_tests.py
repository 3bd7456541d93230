"""Runs one file of CPython's tests and tells the result of each test: `started ID`, then `passed`, `failed` or `skipped`."""

import os
import sys
import unittest

module, done_file = sys.argv[1:]
with open(done_file) as file:
    done = set(file.read().split("\n"))
# What tests print goes elsewhere.
out = os.dup(1)
os.dup2(2, 1)


def say(what, test):
    name = test.id().removeprefix(f"test.{module}.").replace("\n", " ")
    os.write(out, f"{what}\t{name}\n".encode())


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.outcome = "passed"
        say("started", test)

    def stopTest(self, test):
        super().stopTest(test)
        say(self.outcome, test)

    def fail(self, test, error):
        self.outcome = "failed"
        sys.stderr.write(f"{test.id()}:\n{self._exc_info_to_string(error, test)}\n")
        # Failures of setUpModule and setUpClass belong to no test.
        if not isinstance(test, unittest.TestCase) and not hasattr(test, "test_case"):
            say("failed", test)

    addFailure = addError = lambda self, test, error: self.fail(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.fail(test, error)

    def addUnexpectedSuccess(self, test):
        self.outcome = "failed"

    def addSkip(self, test, reason):
        self.outcome = "skipped"
        if not isinstance(test, unittest.TestCase):
            say("skipped", test)


def rest(suite):
    """The tests that no earlier process has run, in order."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from rest(test)
        elif test.id().removeprefix(f"test.{module}.") not in done:
            yield test


suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")
unittest.TestSuite(rest(suite)).run(Result())
os.write(out, b"finished\t\n")
