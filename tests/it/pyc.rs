//! Belongs here: the `.pyc` that is written from a recording, which plain CPython must take for the
//! program itself.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use integration::{Python, assert_same, in_parallel, programs};
use recording::codes::{Change, Codes};
use recording::file::{Sections, section};
use recording::pyc;
use wire::code::CodeInfo;

/// Compares two code objects with all that is in them, `LOADED` and a compiled source, and loads the
/// rest. A difference is printed.
const COMPARE: &str = r"
import marshal, sys, types
def load(name):
    return marshal.loads(open(name, 'rb').read()[8:])
def same(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, types.CodeType):
        fields = [name for name in dir(left) if name.startswith('co_')]
        return all(same(getattr(left, name), getattr(right, name)) for name in fields)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, frozenset):
        return same(tuple(sorted(left, key=repr)), tuple(sorted(right, key=repr)))
    # Bytes tell apart what == does not: zeros, and what is not a number.
    return left == right and repr(left) == repr(right) or left != left and right != right
loaded = load(sys.argv[1])
source = compile(open(sys.argv[2]).read(), loaded.co_filename, 'exec', 0, 1)
if not same(loaded, source):
    print 'the code objects differ'
for name in sys.argv[3:]:
    load(name)
";

/// All code objects that ran, the program's own first.
fn code_infos(file: &Path) -> Vec<CodeInfo> {
    let (mut sections, _) = Sections::open(BufReader::new(File::open(file).unwrap())).unwrap();
    let (mut codes, mut found) = (Codes::default(), Vec::new());
    while let Some(section) = sections.next().unwrap() {
        if section.kind != section::CODES {
            continue;
        }
        for change in codes.read(&section).unwrap() {
            if let Change::Defined(_, info) = change {
                found.push(CodeInfo::clone(&info));
            }
        }
    }
    found
}

#[test]
fn plain_cpython_takes_it_for_the_program() {
    let (traced, plain) = (Python::traced(), Python::unpatched());
    in_parallel(["", "settrace"].into_iter().flat_map(programs).collect(), |program| {
        let recorded = traced.record(&program.folder, &[], &program.arguments(), "t.flow");
        let infos = code_infos(&recorded.file());
        let folder = tempfile::tempdir().unwrap();
        let mut written = Vec::new();
        for (index, info) in infos.iter().enumerate() {
            let made = pyc::of(info).unwrap();
            // Only code objects made by hand hold what no `.pyc` can.
            match made.write() {
                Ok(bytes) => {
                    let name = folder.path().join(format!("{index}.pyc"));
                    fs::write(&name, bytes).unwrap();
                    written.push(name);
                }
                Err(error) => assert!(!made.unknown().is_empty(), "{error}"),
            }
        }
        let (source, first) =
            (program.folder.join(&program.command[0]), folder.path().join("0.pyc"));
        assert_eq!((&infos[0].name[..], infos[0].module.as_deref()), {
            (&b"<module>"[..], Some(&b"__main__"[..]))
        });
        let mut arguments = vec!["-c".as_ref(), COMPARE.as_ref(), first.as_os_str()];
        arguments.push(source.as_os_str());
        arguments.extend(written.iter().map(|name| name.as_os_str()));
        let outcome = plain.run(&program.folder, arguments);
        assert!(outcome.status == 0 && outcome.output.is_empty(), "{}", outcome.text());

        // Both under the same name, for programs that print it.
        let name = folder.path().join("program.pyc");
        let run = || {
            let rest = program.command[1..].iter().map(|argument| argument.as_ref());
            plain.run(&program.folder, [name.as_os_str()].into_iter().chain(rest))
        };
        fs::copy(&first, &name).unwrap();
        let ours = run();
        let compile = "import py_compile, sys; py_compile.compile(*sys.argv[1:], doraise=True)";
        let file = std::str::from_utf8(&infos[0].file).unwrap();
        let of = [compile.as_ref(), source.as_os_str(), name.as_os_str(), file.as_ref()];
        let compiled = plain.run(&program.folder, ["-c".as_ref()].into_iter().chain(of));
        assert_eq!(compiled.status, 0, "{}", compiled.text());
        let theirs = run();
        assert_eq!(ours.status, theirs.status);
        // CPython's own file joins surrogates that the program has apart; ours does as the program.
        if ours.output != recorded.outcome.output {
            assert_same("output", &theirs.output, &ours.output);
        }
    });
}
