"""% and format with every conversion; __format__, __str__ and __repr__ called from C."""


class Thing(object):
    def __str__(self):
        return 'str'

    def __repr__(self):
        return 'repr'

    def __format__(self, spec):
        return 'format(%s)' % spec

    def __getitem__(self, key):
        return 'item ' + str(key)

    def __unicode__(self):
        return u'unicode'


t = Thing()
print '%s %r %d %5.2f %x %o %e %g %c %%' % (t, t, 42, 3.14159, 255, 8, 12345.678, 0.0001, 'c')
print '%(a)s-%(b)05d' % {'a': t, 'b': 7}, '%s' % (t,), '%-6s|%+d' % ('ab', 5), '%*d' % (6, 3)
print '{0} {0!r} {0:>8} {name[2]} {1:,} {1:#x}'.format(t, 1234567, name=[1, 2, 3]), '{}{}'.format('a', t)
print format(t, 'x'), format(3.5, '08.3f'), u'%s' % t, unicode(t), repr([t, (t,)]), `t`
print '%(k)s %(other)s' % t, '{0[key]} {0.__class__.__name__}'.format(t)
for bad in (lambda: '%d' % 'x', lambda: '%s %s' % 1, lambda: '%z' % 1, lambda: '%s' % (1, 2),
            lambda: '{1}'.format(0), lambda: '%(k)s' % 5):
    try:
        bad()
    except (TypeError, ValueError, IndexError), error:
        print type(error).__name__, error
