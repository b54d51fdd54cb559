"""sys.exit with a number from inside nested calls, try/finally and except: status 3."""
import sys


def leave():
    try:
        try:
            sys.exit(3)
        except Exception:
            print 'not an Exception'
        finally:
            print 'cleaning up'
    except KeyError:
        print 'nor a KeyError'


try:
    sys.exit(1)
except SystemExit, error:
    print 'caught', error.code
leave()
