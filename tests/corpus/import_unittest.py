"""Importing `unittest` and running a suite of a few tests, with a fixture, a failure expected and a skip."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants collections keyword heapq difflib pprint functools unittest
    unittest.result unittest.util unittest.case unittest.suite unittest.loader unittest.main
    unittest.runner unittest.signals StringIO fnmatch copy weakref string"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import unittest


class Numbers(unittest.TestCase):
    def setUp(self):
        self.items = [3, 1, 2]

    def test_sorted(self):
        self.assertEqual(sorted(self.items), [1, 2, 3])

    def test_raises(self):
        self.assertRaises(IndexError, lambda: self.items[9])
        with self.assertRaises(KeyError) as caught:
            {}['k']
        self.assertIn('k', caught.exception.args)

    @unittest.skip('not today')
    def test_skipped(self):
        self.fail()


result = unittest.TestResult()
suite = unittest.TestLoader().loadTestsFromTestCase(Numbers)
suite.run(result)
print result.testsRun, result.wasSuccessful(), [(t.id(), why) for t, why in result.skipped], suite.countTestCases()
