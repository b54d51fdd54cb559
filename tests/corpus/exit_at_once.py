"""os._exit from inside a function: no finally, no flush by Python, status 5; the trace must be complete."""
import os
import sys


def leave():
    try:
        sys.stdout.write('before\n')
        sys.stdout.flush()
        os._exit(5)
    finally:
        print 'never'


leave()
