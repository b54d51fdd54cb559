"""os._exit from inside a function: no finally, no flush by Python; status 5.

Ours only: how much of the trace is there by then is the recorder's affair, not the format's."""
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
