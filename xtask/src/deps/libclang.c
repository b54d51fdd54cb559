/* Parses C with the libclang named by the first argument, as bindgen will: prints its version,
 * or says on standard error what is wrong. The other arguments go to clang.
 *
 * Declares what it uses of clang-c/Index.h itself: the library may be there without its headers.
 */
#include <dlfcn.h>
#include <stdio.h>

struct unsaved { const char *name, *text; unsigned long length; };
struct string { const void *data; unsigned flags; };

static void *library;

static void *symbol(const char *name)
{
    void *address = dlsym(library, name);
    if (!address)
        fprintf(stderr, "it has no `%s`\n", name);
    return address;
}

int main(int argc, char **argv)
{
    static const char text[] =
        "#include <stddef.h>\n"
        "#include <stdarg.h>\n"
        "#include <limits.h>\n"
        "#include <stdio.h>\n"
        "#include <stdlib.h>\n"
        "#include <string.h>\n"
        "#include <sys/types.h>\n"
        "size_t length(const char *, ptrdiff_t, FILE *);\n";
    struct unsaved source = {"probe.h", text, sizeof text - 1};
    const unsigned error = 3; /* CXDiagnostic_Error */
    unsigned i, count;
    void *unit;

    library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    struct string (*version)(void) = symbol("clang_getClangVersion");
    const char *(*characters)(struct string) = symbol("clang_getCString");
    void *(*create)(int, int) = symbol("clang_createIndex");
    void *(*parse)(void *, const char *, const char *const *, int, struct unsaved *, unsigned,
                   unsigned) = symbol("clang_parseTranslationUnit");
    unsigned (*diagnostics)(void *) = symbol("clang_getNumDiagnostics");
    void *(*diagnostic)(void *, unsigned) = symbol("clang_getDiagnostic");
    unsigned (*severity)(void *) = symbol("clang_getDiagnosticSeverity");
    struct string (*spelling)(void *) = symbol("clang_getDiagnosticSpelling");
    if (!version || !characters || !create || !parse || !diagnostics || !diagnostic || !severity
        || !spelling)
        return 1;

    unit = parse(create(0, 0), "probe.h", (const char *const *)argv + 2, argc - 2, &source, 1, 0);
    if (!unit) {
        fprintf(stderr, "it cannot parse a header\n");
        return 1;
    }
    count = diagnostics(unit);
    for (i = 0; i < count; i++) {
        if (severity(diagnostic(unit, i)) >= error) {
            fprintf(stderr, "%s\n", characters(spelling(diagnostic(unit, i))));
            return 1;
        }
    }
    puts(characters(version()));
    return 0;
}
