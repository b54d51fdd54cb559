"""sys.exit with a string: printed on stderr, status 1."""
import sys

try:
    raise SystemExit
except SystemExit, error:
    print error.code
sys.exit('the reason')
