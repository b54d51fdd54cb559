"""The usual shape of a packed program: marshal, zlib and base64, three layers deep, run by exec."""
import binascii
import marshal
import zlib

PAYLOAD = """
secret = [ord(c) ^ 7 for c in 'obkkh']
def reveal(key):
    return ''.join(chr(c ^ key) for c in secret)
print 'payload', reveal(7)
"""
LAYER = """
import binascii, marshal, zlib
exec marshal.loads(zlib.decompress(binascii.a2b_base64(%r)))
"""


def pack(code):
    return binascii.b2a_base64(zlib.compress(marshal.dumps(code), 9))


source = PAYLOAD
for depth in range(3):
    packed = pack(compile(source, '<layer %d>' % depth, 'exec'))
    source = LAYER % packed
exec source
print 'secret' in globals()
