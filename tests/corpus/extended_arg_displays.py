"""A list and a tuple of 65,540 items: BUILD_LIST and BUILD_TUPLE with an EXTENDED_ARG."""

x = 'x'
print len(eval('[' + 'x,' * 65540 + ']')), len(eval('(' + 'x,' * 65540 + ')'))
