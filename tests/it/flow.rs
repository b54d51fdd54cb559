//! Belongs here: recordings, which must expand to the very bytes of the text trace.

use std::fs;

use integration::{
    Program, Python, assert_same, in_parallel, programs, project, real_programs, trace27,
};

/// Every way to write the text of one program, against what its recording expands to.
fn expands(python: &Python, program: &Program) {
    let recorded = python.record(&program.folder, &[], &program.arguments(), "t.flow");
    let text = |options: &[&str]| python.trace(&program.folder, options, &program.arguments());
    let plain = text(&[]);
    assert_eq!(plain.outcome.status, recorded.outcome.status, "{}", recorded.outcome.text());
    assert_same("no option", plain.text(), &recorded.expand(&[]));
    for options in [&["-r"][..], &["--blog"], &["-r", "--blog"]] {
        assert_same(&options.join(" "), text(options).text(), &recorded.expand(options));
    }
    let names = plain.text().split(|&byte| byte == b'\n').filter_map(bytecode::text::parse);
    let mut names = names.filter_map(|line| std::str::from_utf8(line.name).ok());
    let name = names.find(|name| *name != "<module>" && !name.contains('\0'));
    let name = format!("-n={}", name.unwrap_or("<module>"));
    assert_same(&name, text(&[&name]).text(), &recorded.expand(&[&name]));
}

fn corpus() -> Vec<Program> {
    ["", "ours_only", "settrace"].into_iter().flat_map(programs).collect()
}

#[test]
fn the_corpus_with_every_option() {
    let python = Python::traced();
    in_parallel(corpus(), |program| expands(&python, program));
}

#[test]
fn the_corpus_on_a_build_with_a_switch() {
    let Some(python) = Python::switch() else { return };
    in_parallel(corpus(), |program| expands(&python, program));
}

#[test]
fn the_corpus_on_a_debug_build() {
    let Some(python) = Python::debug() else { return };
    in_parallel(corpus(), |program| expands(&python, program));
}

#[test]
fn real_programs_of_the_source_tree() {
    let python = Python::traced();
    in_parallel(real_programs(), |program| expands(&python, program));
}

#[test]
fn a_recording_is_what_the_oracle_says() {
    in_parallel(programs(""), |program| {
        let recorded =
            Python::traced().record(&program.folder, &[], &program.arguments(), "t.flow");
        let oracle = Python::oracle().trace(&program.folder, &["-r"], &program.arguments());
        assert_same("-r", oracle.text(), &recorded.expand(&["-r"]));
    });
}

/// Compression changes nothing, and is what `zstd` knows.
#[test]
fn compressed_recordings() {
    in_parallel(programs(""), |program| {
        let plain = Python::traced().record(&program.folder, &[], &program.arguments(), "t.flow");
        let packed =
            Python::traced().record(&program.folder, &[], &program.arguments(), "t.flow.zst");
        assert_same("compressed", &plain.expand(&[]), &packed.expand(&[]));
        assert_eq!(fs::read(packed.file()).unwrap()[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    });
}

/// A recording is compared as it is, with the text of another run and with itself converted.
#[test]
fn recordings_are_read_as_any_trace() {
    in_parallel(programs(""), |program| {
        let python = Python::traced();
        let packed = python.record(&program.folder, &[], &program.arguments(), "t.flow.zst");
        let text = python.trace(&program.folder, &[], &program.arguments());
        let (file, folder) = (packed.file(), packed.file().with_file_name(""));
        let (lines, steps) = (folder.join("t.txt"), folder.join("t.jsonl"));
        fs::write(&lines, text.text()).unwrap();
        let run = |arguments: &[&std::ffi::OsStr]| {
            let outcome = trace27(arguments);
            assert_eq!(outcome.status, 0, "{arguments:?}: {}", outcome.text());
            outcome.output
        };
        let (file, steps, lines) = (file.as_os_str(), steps.as_os_str(), lines.as_os_str());
        run(&["diff".as_ref(), file, lines]);
        run(&["convert".as_ref(), "--to".as_ref(), "jsonl".as_ref(), file, steps]);
        run(&["diff".as_ref(), steps, file]);
        let blog = run(&["convert".as_ref(), "--to".as_ref(), "blog".as_ref(), file, "-".as_ref()]);
        assert_same("converted", &packed.expand(&[]), &blog);
        let info = run(&["info".as_ref(), file]);
        let count = run(&["validate".as_ref(), file]);
        let number = |text: &[u8], before: &str, after: &str| {
            let text = String::from_utf8(text.to_vec()).unwrap();
            let rest = text.split_once(before).unwrap().1.to_owned();
            rest.split_once(after).unwrap().0.to_owned()
        };
        assert_eq!(number(&info, "\ninstructions ", "\n"), number(&count, "flow, ", " step"));
        assert_eq!(number(&info, "\noptions      ", "\n"), "flow");
    });
}

/// Instructions are counted from 1, and a stretch is what lies between.
#[test]
fn a_stretch_of_the_instructions() {
    let folder = project().join("tests/corpus");
    // Every line is an instruction's, as no operand is resolved.
    let recorded = Python::traced().record(&folder, &[], &["import_json_pickle.py"], "t.flow");
    let text = recorded.expand(&[]);
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let count = lines.len();
    for (from, to) in [(1, 1), (1, count), (17, 4_000), (count, count), (count, count + 9)] {
        let stretch = ["--from", &from.to_string(), "--to", &to.to_string()];
        assert_same(
            &stretch.join(" "),
            &lines[from - 1..to.min(count)].concat(),
            &recorded.expand(&stretch),
        );
    }
    assert!(recorded.expand(&["--from", &(count + 1).to_string()]).is_empty());
    for threads in ["1", "2", "7"] {
        assert_same(threads, &text, &recorded.expand(&["--threads", threads]));
    }
}

/// Cut anywhere, it is an error that says where, and no more than a part was written.
#[test]
fn a_cut_recording_is_told() {
    let folder = project().join("tests/corpus");
    let recorded = Python::traced().record(&folder, &[], &["factorial.py"], "t.flow");
    let (whole, text) = (fs::read(recorded.file()).unwrap(), recorded.expand(&[]));
    for cut in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        let file = recorded.file().with_file_name("cut.flow");
        fs::write(&file, &whole[..cut]).unwrap();
        let outcome = trace27(["expand".as_ref(), file.as_os_str()]);
        assert_eq!(outcome.status, 2, "cut at {cut}: {}", outcome.text());
        let errors = String::from_utf8(outcome.errors.clone()).unwrap();
        assert!(errors.starts_with("trace27: `") && errors.contains("byte "), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(text.starts_with(&outcome.output), "cut at {cut}");
    }
}
