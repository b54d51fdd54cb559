"""co_name is an instance of a subclass of str, with a __str__ that says something else.

Ours only: the reference's `%s` calls that method inside the trace function."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


class Name(str):
    def __str__(self):
        return 'another name'


code = CodeType(0, 0, 1, 0x43, 'd\1\0S', (None, 'value'), (), (), '<asm>', Name('its name'), 1, '')
print FunctionType(code, {})(), code.co_name == 'its name', type(code.co_name).__name__
