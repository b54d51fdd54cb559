/* What the C side and the Rust side of the hook ask of each other, and the headers that
   bindgen reads.  What the interpreter asks of the hook is in the tree's traced.h. */

#ifndef HOOK_H
#define HOOK_H

#include "Python.h"
#include "code.h"
#include "frameobject.h"
#include "longintrepr.h"
#include "traced.h"

/* Macros that bindgen cannot see. */
int traced_errno(void);
void traced_set_errno(int value);

#endif /* !HOOK_H */
