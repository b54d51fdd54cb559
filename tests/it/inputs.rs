//! Belongs here: the forms in which a program can be given, and where a trace can go.

use std::fs;
use std::path::Path;

use integration::{Python, assert_same, programs, project};

/// `(2, 7)`'s header: magic and a time.
const HEADER: usize = 8;

fn compile(folder: &Path, optimize: bool) {
    let program = "import py_compile, sys; py_compile.compile(*sys.argv[1:])";
    let (flag, compiled) = if optimize { ("-O", "prog.pyo") } else { ("-s", "prog.pyc") };
    let run = Python::traced().run(folder, [flag, "-c", program, "prog.py", compiled]);
    assert_eq!(run.status, 0, "{}", run.text());
}

fn prog(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prog.py"), text).unwrap();
    folder
}

#[test]
fn source_and_compiled_give_the_same_trace() {
    let folder = prog(&fs::read_to_string(project().join("tests/corpus/factorial.py")).unwrap());
    compile(folder.path(), false);
    let source = Python::traced().trace(folder.path(), &["-r"], &["prog.py"]);
    let compiled = Python::traced().trace(folder.path(), &["-r"], &["prog.pyc"]);
    assert_same("prog.pyc", source.text(), compiled.text());
    assert_eq!(source.outcome, compiled.outcome);
    assert_eq!(source.outcome.output, b"3628800\n");
}

#[test]
fn corpus_programs_compiled_agree_with_the_oracle() {
    for name in ["closures.py", "try_finally.py", "extended_arg_jumps.py"] {
        assert!(programs("").iter().any(|program| program.name() == name));
        let folder = prog(&fs::read_to_string(project().join("tests/corpus").join(name)).unwrap());
        compile(folder.path(), false);
        let ours = Python::traced().trace(folder.path(), &["-r"], &["prog.pyc"]);
        let oracle = Python::oracle().trace(folder.path(), &["-r"], &["prog.pyc"]);
        assert_same(name, oracle.text(), ours.text());
    }
}

#[test]
fn pyo_is_run_as_python_runs_it() {
    let folder = prog("assert False\nprint 'no assertion'\n");
    compile(folder.path(), true);
    let plain = Python::unpatched().run(folder.path(), ["prog.pyo"]);
    let traced = Python::traced().trace(folder.path(), &[], &["prog.pyo"]);
    assert_eq!(plain, traced.outcome);
    assert_eq!(plain.output, b"no assertion\n");
    let oracle = Python::oracle().trace(folder.path(), &[], &["prog.pyo"]);
    assert_same("prog.pyo", oracle.text(), traced.text());
}

/// As PyInstaller's archives hold programs: no header, and often no suffix.
#[test]
fn a_bare_code_object_is_traced_as_raw() {
    let folder = prog("import sys\nprint sys.argv[1:], __name__, __file__\nsys.exit(7)\n");
    compile(folder.path(), false);
    let compiled = fs::read(folder.path().join("prog.pyc")).unwrap();
    let whole = Python::traced().trace(folder.path(), &[], &["prog.pyc", "a"]);
    for name in ["entry", "entry.pyc"] {
        fs::write(folder.path().join(name), &compiled[HEADER..]).unwrap();
        let raw = Python::traced().trace(folder.path(), &["--raw"], &[name, "a"]);
        assert_same(name, whole.text(), raw.text());
        assert_eq!(raw.outcome.status, 7, "{}", raw.outcome.text());
        let output = String::from_utf8_lossy(&raw.outcome.output);
        assert_eq!(output, format!("['a'] __main__ {name}\n"));
    }
}

#[test]
fn a_compiled_file_is_known_by_its_content() {
    let folder = prog("print 'content'\n");
    compile(folder.path(), false);
    fs::rename(folder.path().join("prog.pyc"), folder.path().join("layer1.bin")).unwrap();
    let run = Python::traced().trace(folder.path(), &[], &["layer1.bin"]);
    assert_eq!(run.outcome.output, b"content\n", "{}", run.outcome.text());
    assert_eq!(
        run.text(),
        b"<module>> 0 LOAD_CONST (0)\n<module>> 3 PRINT_ITEM\n\
        <module>> 4 PRINT_NEWLINE\n<module>> 5 LOAD_CONST (1)\n<module>> 8 RETURN_VALUE\n"
    );
}

/// `python DIRECTORY`, `python ARCHIVE` and `python -m NAME`: same surroundings, traced.
#[test]
fn modules_packages_directories_and_archives() {
    let text = "import sys\n\
        def main(): return sys.argv[1:]\n\
        print __name__, __package__, sys.argv, sys.path[0], main()\n\
        sys.exit(3)\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in ["app", "package"] {
        fs::create_dir(path.join(name)).unwrap();
        fs::write(path.join(name).join("__main__.py"), text).unwrap();
    }
    fs::write(path.join("package/__init__.py"), "").unwrap();
    fs::write(path.join("module.py"), text).unwrap();
    let program = "import zipfile\n\
        app = zipfile.ZipFile('app.zip', 'w')\n\
        app.write('app/__main__.py', '__main__.py')\n\
        app.close()\n";
    assert_eq!(Python::traced().run(path, ["-c", program]).status, 0);
    fs::copy(path.join("app.zip"), path.join("named_like_source.py")).unwrap();
    let tracer = project().join("tracer.py");
    for rest in [
        &["app"][..],
        &["app/"],
        &["app.zip"],
        &["named_like_source.py"],
        &["-m", "module"],
        &["-m", "package"],
        &["-m", "package.__main__"],
    ] {
        let plain = Python::unpatched().run(path, rest.iter().chain(&["a", "-r"]));
        assert_eq!(plain.status, 3, "{}", plain.text());
        let arguments = [&[tracer.to_str().unwrap()], rest, &["trace.txt", "a", "-r"]].concat();
        let traced = Python::traced().run(path, &arguments);
        assert_eq!(traced.text(), plain.text(), "{rest:?}");
        let trace = fs::read_to_string(path.join("trace.txt")).unwrap();
        assert!(trace.contains("\nmain> 0 LOAD_GLOBAL ("), "{rest:?}");
        fs::remove_file(path.join("trace.txt")).unwrap();
    }
}

#[test]
fn the_trace_can_go_to_standard_output() {
    let folder = prog("x = 1\n");
    let tracer = project().join("tracer.py");
    let run = Python::traced().run(folder.path(), [tracer.to_str().unwrap(), "prog.py", "-"]);
    assert_eq!(
        String::from_utf8_lossy(&run.output),
        "<module>> 0 LOAD_CONST (0)\n<module>> 3 STORE_NAME (0)\n\
         <module>> 6 LOAD_CONST (1)\n<module>> 9 RETURN_VALUE\n"
    );
}

/// The examples in the help of the original have `-t=only -n=NAME`.
#[test]
fn names_and_options_as_the_original_takes_them() {
    let folder = prog(&fs::read_to_string(project().join("tests/corpus/factorial.py")).unwrap());
    let python = Python::traced();
    let run = |options: &[&str]| {
        let run = python.trace(folder.path(), options, &["prog.py"]);
        String::from_utf8(run.text().to_vec()).unwrap()
    };
    let only = run(&["-t=only", "-n=recur_factorial", "-r"]);
    assert!(only.starts_with("recur_factorial> 0 LOAD_FAST (n)\n"), "{only}");
    assert!(only.lines().all(|line| line.starts_with("recur_factorial> ")));
    assert_eq!(only, run(&["-t", "all", "--name", "recur_factorial", "--resolve"]));

    let empty = python.trace(folder.path(), &["-n", "no such\x1bname"], &["prog.py"]);
    assert_eq!(empty.text(), b"");
    let errors = String::from_utf8_lossy(&empty.outcome.errors).into_owned();
    let message = "no code object named `no such\\x1bname` ran, so the trace is empty";
    assert_eq!(errors, format!("python27-traced: {message}\n"));
}

/// The settings can be given without tracer.py: whatever python runs is traced.
#[test]
fn the_environment_starts_a_trace() {
    let folder = prog("print 'hello'\n");
    let mut command = Python::traced().command(folder.path());
    command.env("PYTHON27_TRACED_FILE", "t.txt").env("PYTHON27_TRACED_OPTIONS", "resolve");
    command.args(["-c", "import os; print [n for n in os.environ if n.startswith('PYTHON27')]"]);
    let output = command.output().unwrap();
    assert_eq!(output.stdout, b"[]\n");
    let text = fs::read_to_string(folder.path().join("t.txt")).unwrap();
    assert!(text.starts_with("<module>> 0 LOAD_CONST (-1)\n"), "{text}");
}
