//! The process that writes what the interpreter records: takes it from the ring, and writes text or
//! a recording. The hook starts one for each traced process; nobody types its arguments.

#[cfg(unix)]
mod writer;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    let done = writer::Args::parse(std::env::args_os().skip(1)).and_then(|args| writer::run(&args));
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trace-writer: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("trace-writer: there is nothing to write here: the traced interpreter needs Linux");
}
