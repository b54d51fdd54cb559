//! What the user asked for, as it stands in the environment.
//!
//! tracer.py sets these variables and starts the interpreter anew, so that the program finds
//! it as if nothing had happened; they can be set by hand as well. The hook takes them out of
//! the environment before the program sees it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The file to write; tracing is on when it is set. `-` is standard output.
pub const FILE: &str = "PYTHON27_TRACED_FILE";
/// The `co_name` to which a text trace is confined.
pub const NAME: &str = "PYTHON27_TRACED_NAME";
/// Any of [`WORDS`], and `limit=N`, `max-bytes=N`, joined by commas.
pub const OPTIONS: &str = "PYTHON27_TRACED_OPTIONS";
/// The program's SHA-256, for a recording to tell.
pub const PROGRAM: &str = "PYTHON27_TRACED_PROGRAM";

/// Set by the hook where the wish is inherited: the process that is traced and how many programs it
/// has been by `exec`, as `ID.N`.
pub const PROCESS: &str = "PYTHON27_TRACED_PROCESS";

/// All variables.
pub const VARIABLES: [&str; 5] = [FILE, NAME, OPTIONS, PROGRAM, PROCESS];

/// What options there are, those with a number aside.
pub const WORDS: [&str; 11] = [
    "resolve",
    "blog",
    "raw",
    "text",
    "flow",
    "compress",
    "inherit",
    "follow-fork",
    "threads",
    "guard",
    "every",
];

/// The wishes of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The file to write, or `-`.
    pub file: OsString,
    /// Only code objects of this `co_name` are traced.
    pub name: Option<Vec<u8>>,
    /// Operands are written as their meaning.
    pub resolve: bool,
    /// As the original: the instruction behind EXTENDED_ARG is left out.
    pub blog: bool,
    /// The program is a marshalled code object without a header.
    pub raw: bool,
    /// A recording is written, not text.
    pub flow: bool,
    /// What is written is compressed.
    pub compress: bool,
    /// The variables stay in the environment: programs that this one starts are traced too, and
    /// `%p` in the file's name is the process id.
    pub inherit: bool,
    /// Forked children are traced, each to a file of its own.
    pub follow_fork: bool,
    /// All threads are traced, each to a file of its own.
    pub threads: bool,
    /// Each instruction is checked before it runs.
    pub guard: bool,
    /// Each instruction is told by itself, as where nothing else would be true: to check the rest.
    pub every: bool,
    /// Ends after this many instructions.
    pub limit: Option<u64>,
    /// Ends before the file is larger than this.
    pub max_bytes: Option<u64>,
    /// All options as they were given, each of [`WORDS`] or with a number, for a recording to tell.
    pub options: Vec<String>,
    /// The program's SHA-256.
    pub program: Option<String>,
    /// What the hook has set in the environment of this program: [`PROCESS`].
    pub process: Option<String>,
}

impl Settings {
    /// Reads the variables through `get`. `None` if no file is named; the error is a message
    /// for the user.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Option<Settings>, String> {
        let Some(file) = get(FILE).filter(|file| !file.is_empty()) else { return Ok(None) };
        let name = get(NAME).map(|name| name.as_bytes().to_vec());
        let program = get(PROGRAM).map(|program| program.to_string_lossy().into_owned());
        let process = get(PROCESS).map(|process| process.to_string_lossy().into_owned());
        let mut settings = Settings { file, name, program, process, ..Settings::default() };
        let mut is_text = false;
        for option in get(OPTIONS).unwrap_or_default().as_bytes().split(|&byte| byte == b',') {
            let option = String::from_utf8_lossy(option);
            let (word, number) = match option.split_once('=') {
                Some((word, number)) => (word, number.parse().ok()),
                None => (&*option, None),
            };
            match (word, number) {
                ("", _) => continue,
                ("resolve", None) => settings.resolve = true,
                ("blog", None) => settings.blog = true,
                ("raw", None) => settings.raw = true,
                ("text", None) => is_text = true,
                ("flow", None) => settings.flow = true,
                ("compress", None) => settings.compress = true,
                ("inherit", None) => settings.inherit = true,
                ("follow-fork", None) => settings.follow_fork = true,
                ("threads", None) => settings.threads = true,
                ("guard", None) => settings.guard = true,
                ("every", None) => settings.every = true,
                ("limit", Some(number)) => settings.limit = Some(number),
                ("max-bytes", Some(number)) => settings.max_bytes = Some(number),
                _ => {
                    let words = WORDS.map(|word| format!("`{word}`")).join(", ");
                    return Err(format!(
                        "`{OPTIONS}` holds `{option}`; it knows {words}, `limit=N` and \
                         `max-bytes=N`"
                    ));
                }
            }
            settings.options.push(option.into_owned());
        }
        let bytes = settings.file.as_bytes();
        let inner = bytes.strip_suffix(b".zst");
        settings.compress |= inner.is_some();
        settings.flow |= !is_text && inner.unwrap_or(bytes).ends_with(b".flow");
        Ok(Some(settings))
    }

    /// The file of this process: `%p` is its id where children inherit the wish, and its second
    /// program has `.2` behind it.
    pub fn file_of(&self, process: u32) -> OsString {
        if !self.inherit {
            return self.file.clone();
        }
        let id = match self.turn(process) {
            1 => process.to_string(),
            turn => format!("{process}.{turn}"),
        };
        let mut name = Vec::new();
        let mut rest = self.file.as_bytes();
        while let Some(at) = rest.windows(2).position(|pair| pair == b"%p") {
            name.extend_from_slice(&rest[..at]);
            name.extend_from_slice(id.as_bytes());
            rest = &rest[at + 2..];
        }
        name.extend_from_slice(rest);
        OsStr::from_bytes(&name).to_owned()
    }

    /// Which of the programs that this process has been, from 1, was told to trace itself.
    fn turn(&self, process: u32) -> u64 {
        let before = self.process.as_deref().and_then(|before| before.split_once('.'));
        match before.map(|(id, turn)| (id.parse::<u32>(), turn.parse::<u64>())) {
            Some((Ok(id), Ok(turn))) if id == process => turn.saturating_add(1),
            _ => 1,
        }
    }

    /// What the programs find that this one starts, or that take its place.
    pub fn for_heirs(&self, process: u32) -> Option<(&'static str, String)> {
        self.inherit.then(|| (PROCESS, format!("{process}.{}", self.turn(process))))
    }

    /// Whether the file has the trace of a program that was in this process before.
    pub fn is_taken(&self, process: u32) -> bool {
        self.inherit && self.turn(process) > 1 && self.file_of(process) == self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::read(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn without_a_file_there_is_no_trace() {
        assert_eq!(read(&[(OPTIONS, "nonsense")]), Ok(None));
        assert_eq!(read(&[(FILE, "")]), Ok(None));
    }

    #[test]
    fn all_are_read() {
        let options = format!("{},limit=5,max-bytes=6", WORDS.join(","));
        let settings = read(&[(FILE, "t"), (NAME, ""), (OPTIONS, &options), (PROGRAM, "00")]);
        let wanted = Settings {
            file: "t".into(),
            name: Some(Vec::new()),
            resolve: true,
            blog: true,
            raw: true,
            flow: true,
            compress: true,
            inherit: true,
            follow_fork: true,
            threads: true,
            guard: true,
            every: true,
            limit: Some(5),
            max_bytes: Some(6),
            options: options.split(',').map(str::to_owned).collect(),
            program: Some("00".to_owned()),
            process: None,
        };
        assert_eq!(settings, Ok(Some(wanted)));
    }

    #[test]
    fn the_files_name_tells_the_format() {
        for (file, flow, compress) in [
            ("t.txt", false, false),
            ("t.txt.zst", false, true),
            ("t.flow", true, false),
            ("t.flow.zst", true, true),
        ] {
            let settings = read(&[(FILE, file)]).unwrap().unwrap();
            assert_eq!((settings.flow, settings.compress), (flow, compress), "{file}");
        }
    }

    #[test]
    fn each_process_may_have_a_file_of_its_own() {
        let settings = read(&[(FILE, "a%p.%p%"), (OPTIONS, "inherit")]).unwrap().unwrap();
        assert_eq!(settings.file_of(12), "a12.12%");
        let settings = read(&[(FILE, "a%p")]).unwrap().unwrap();
        assert_eq!(settings.file_of(12), "a%p");
    }

    #[test]
    fn each_program_of_a_process_may_have_a_file_of_its_own() {
        for (process, wanted, heirs) in [
            ("12.1", "a12.2", "12.2"),
            ("12.9", "a12.10", "12.10"),
            // Another one's, or nobody's.
            ("13.1", "a12", "12.1"),
            ("12", "a12", "12.1"),
            ("", "a12", "12.1"),
        ] {
            let variables = [(FILE, "a%p"), (OPTIONS, "inherit"), (PROCESS, process)];
            let settings = read(&variables).unwrap().unwrap();
            assert_eq!(settings.file_of(12), wanted);
            assert_eq!(settings.for_heirs(12), Some((PROCESS, heirs.to_owned())));
            assert!(!settings.is_taken(12));
        }
        let taken = |options, process| {
            let variables = [(FILE, "a"), (OPTIONS, options), (PROCESS, process)];
            read(&variables).unwrap().unwrap().is_taken(12)
        };
        assert!(taken("inherit", "12.1") && !taken("inherit", "13.1") && !taken("", "12.1"));
    }

    #[test]
    fn an_unknown_option_is_named() {
        for option in ["flows", "limit", "limit=x", "raw=1"] {
            let error = read(&[(FILE, "t"), (OPTIONS, option)]).unwrap_err();
            assert!(error.contains(&format!("holds `{option}`")), "{error}");
        }
    }
}
