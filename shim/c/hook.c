/* The C side of the hook: each function that the interpreter calls, checked by the compiler
   against the tree's own traced.h and passed on to Rust.  No logic. */

#include "hook.h"

#include <errno.h>

/* Defined in src/entry.rs. */
extern void traced_instruction(PyFrameObject *f, int opcode, int oparg,
                               const unsigned char *next_instr);
extern void traced_code_dealloc(PyCodeObject *co);
extern void traced_configure(void);
extern void traced_start(PyThreadState *tstate);
extern void traced_stop(void);
extern int traced_is_raw_program(void);

void
_PyTraced_Instruction(PyFrameObject *f, int opcode, int oparg, const unsigned char *next_instr)
{
    traced_instruction(f, opcode, oparg, next_instr);
}

void
_PyTraced_CodeDealloc(PyCodeObject *co)
{
    /* Without tracing the dealloc of a code object costs one load more. */
    if (_PyTraced_Thread != NULL)
        traced_code_dealloc(co);
}

void
_PyTraced_Configure(void)
{
    traced_configure();
}

void
_PyTraced_Start(void)
{
    traced_start(PyThreadState_GET());
}

void
_PyTraced_Stop(void)
{
    traced_stop();
}

int
_PyTraced_IsRawProgram(void)
{
    return traced_is_raw_program();
}

int
traced_errno(void)
{
    return errno;
}

void
traced_set_errno(int value)
{
    errno = value;
}
