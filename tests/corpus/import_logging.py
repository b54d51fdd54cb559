"""Importing `logging`, `traceback` and `warnings` and using them; logging shuts down by atexit."""
import logging
import sys
import traceback
import warnings

logging.basicConfig(stream=sys.stdout, format='%(levelname)s %(name)s %(funcName)s %(message)s')


def work():
    logging.getLogger('part').warning('from %s', 'work')
    logging.debug('not shown')


work()
try:
    {}['missing']
except KeyError:
    print traceback.format_exc().splitlines()[-1]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    warnings.warn('careful')
    print len(caught), caught[0].message
