/* What the C side and the Rust side of the hook ask of each other, and the headers that
   bindgen reads.  What the interpreter asks of the hook is in the tree's traced.h. */

#ifndef HOOK_H
#define HOOK_H

#include "Python.h"
#include "code.h"
#include "frameobject.h"
#include "longintrepr.h"
#include "traced.h"

/* rangeobject, which Objects/rangeobject.c keeps to itself; 2.7.18 is the last of its line. */
typedef struct {
    PyObject_HEAD
    long start;
    long step;
    long length;
} traced_xrange;

/* Whether a broken assumption ends the process. */
#ifdef Py_DEBUG
#define TRACED_ASSERTS 1
#else
#define TRACED_ASSERTS 0
#endif

/* Macros that bindgen cannot see, and fields of types that it is not shown. */
PyFrameObject *traced_frame(void);
int traced_holds_gil(void);
int traced_errno(void);
void traced_set_errno(int value);

#endif /* !HOOK_H */
