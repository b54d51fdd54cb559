/* The C side of the hook: the page that the evaluation loop writes to, and each function that
   the interpreter calls, checked by the compiler against the tree's own traced.h and passed on to
   Rust.  No logic. */

#include "hook.h"

#include <errno.h>
#include <stddef.h>

union _PyTraced_ControlPage _PyTraced_Control __attribute__((aligned(sizeof(union _PyTraced_ControlPage))));

/* The offsets that the hook uses (crates/wire/src/control.rs). */
_Static_assert(sizeof(union _PyTraced_ControlPage) == 4096, "a page");
#define AT(field, offset) \
    _Static_assert(offsetof(union _PyTraced_ControlPage, field) == (offset), #field)
AT(branch_bits, 0);
AT(lasti, 8);
AT(parked_lasti, 12);
AT(slow_path, 16);
AT(first_code_id, 20);
AT(ring, 24);
AT(async_begin, 32);
AT(values, 40);
AT(head, 64);
AT(limit, 72);
AT(head_pending, 96);
#undef AT

#ifdef __ELF__
/* At the very start of the executable: tracer.py knows by it whom it may start. */
static const struct {
    unsigned name_size, size, type;
    char name[16];
    unsigned contract;
} note __attribute__((used, section(".note.python27-traced"), aligned(4))) = {
    16, 4, 1, "python27-traced", 1
};
#endif

/* Defined in src/entry.rs. */
extern void traced_flush_branch_bits(void);
extern void traced_enter_frame(PyFrameObject *f, int throwflag);
extern void traced_leave_frame(PyFrameObject *f, PyObject *retval);
extern void traced_unwind(PyFrameObject *f, int offset, int by_exception);
extern void traced_async_end(PyFrameObject *f, int offset);
extern int traced_instruction(PyFrameObject *f, int opcode, int oparg,
                              const unsigned char *next_instr, PyObject **stack_pointer);
extern int traced_fetch(PyFrameObject *f, int offset);
extern int traced_handler(PyFrameObject *f, int depth);
extern int traced_call(PyCodeObject *co, Py_ssize_t cells);
extern void traced_switch_thread(PyThreadState *tstate);
extern void traced_thread_gone(PyThreadState *tstate);
extern void traced_after_fork(PyThreadState *tstate);
extern void traced_verify(PyFrameObject *f, int offset, int found);
extern int traced_is_own(const void *address);
extern void traced_load_extension(const char *pathname);
extern void traced_switch_stack(PyFrameObject *last, PyFrameObject *f);
extern void traced_file_opened(int descriptor);
extern void traced_code_dealloc(PyCodeObject *co);
extern void traced_configure(void);
extern void traced_start(PyThreadState *tstate);
extern void traced_stop(void);
extern int traced_is_raw_program(void);
extern void traced_values_full(size_t need);

/* Defined in src/entry/ending.rs. */
extern void traced_before_exit(void);
extern void traced_before_exec(const char *path);
extern void traced_before_kill(int pid, int sig);
extern void traced_still_alive(void);

void
_PyTraced_FlushBranchBits(void)
{
    traced_flush_branch_bits();
}

void
_PyTraced_EnterFrame(PyFrameObject *f, int throwflag)
{
    traced_enter_frame(f, throwflag);
}

void
_PyTraced_LeaveFrame(PyFrameObject *f, PyObject *retval)
{
    traced_leave_frame(f, retval);
}

void
_PyTraced_Unwind(PyFrameObject *f, int offset, int by_exception)
{
    traced_unwind(f, offset, by_exception);
}

void
_PyTraced_AsyncEnd(PyFrameObject *f, int offset)
{
    traced_async_end(f, offset);
}

int
_PyTraced_Instruction(PyFrameObject *f, int opcode, int oparg, const unsigned char *next_instr,
                      PyObject **stack_pointer)
{
    return traced_instruction(f, opcode, oparg, next_instr, stack_pointer);
}

int
_PyTraced_Fetch(PyFrameObject *f, int offset)
{
    return traced_fetch(f, offset);
}

int
_PyTraced_Handler(PyFrameObject *f, int depth)
{
    return traced_handler(f, depth);
}

int
_PyTraced_Call(PyCodeObject *co, Py_ssize_t cells)
{
    return _PyTraced_Thread == PyThreadState_GET() ? traced_call(co, cells) : 0;
}

void
_PyTraced_SwitchThread(PyThreadState *tstate)
{
    traced_switch_thread(tstate);
}

void
_PyTraced_ThreadGone(PyThreadState *tstate)
{
    traced_thread_gone(tstate);
}

void
_PyTraced_AfterFork(void)
{
    traced_after_fork(PyThreadState_GET());
}

void
_PyTraced_Verify(PyFrameObject *f, int offset, int found)
{
    traced_verify(f, offset, found);
}

int
_PyTraced_IsOwn(const void *address)
{
    return traced_is_own(address);
}

void
_PyTraced_LoadExtension(const char *pathname)
{
    traced_load_extension(pathname);
}

void
_PyTraced_SwitchStack(PyFrameObject *last, PyFrameObject *f)
{
    traced_switch_stack(last, f);
}

void
_PyTraced_FileOpened(int descriptor)
{
    traced_file_opened(descriptor);
}

void
_PyTraced_CodeDealloc(PyCodeObject *co)
{
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

void
_PyTraced_ValuesFull(size_t need)
{
    traced_values_full(need);
}

int
_PyTraced_IsRawProgram(void)
{
    return traced_is_raw_program();
}

void
_PyTraced_BeforeExit(void)
{
    traced_before_exit();
}

void
_PyTraced_BeforeExec(const char *path)
{
    traced_before_exec(path);
}

void
_PyTraced_BeforeKill(int pid, int sig)
{
    traced_before_kill(pid, sig);
}

void
_PyTraced_StillAlive(void)
{
    traced_still_alive();
}

PyFrameObject *
traced_frame(void)
{
    return PyThreadState_GET()->frame;
}

/* The state of this very thread is the current one: PyEval_SaveThread takes it away. */
int
traced_holds_gil(void)
{
    PyThreadState *tstate = PyGILState_GetThisThreadState();

    return tstate != NULL && tstate == _PyThreadState_Current;
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
