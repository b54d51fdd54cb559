"""sys.exit without an argument: status 0, nothing printed, the rest not run."""
import sys


def main():
    for i in range(3):
        print i
        if i == 1:
            sys.exit()


main()
print 'never'
