//! What the user asked for, as the environment says.
//!
//! tracer.py sets these variables and starts a fresh interpreter, so that the program finds
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
/// The program's SHA-256, for the recording's header.
pub const PROGRAM: &str = "PYTHON27_TRACED_PROGRAM";

/// Set by the hook where the wish is inherited: the process that is traced and how many programs it
/// has been by `exec`, as `ID.N`.
pub const PROCESS: &str = "PYTHON27_TRACED_PROCESS";

/// All variables.
pub const VARIABLES: [&str; 5] = [FILE, NAME, OPTIONS, PROGRAM, PROCESS];

/// What options there are, except those with a number.
pub const WORDS: [&str; 12] = [
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
    "values",
];

/// Options with a number.
const NUMBERS: &str = "`limit=N`, `max-bytes=N`, `value-size=N`, `depth=N` and `items=N`";

/// How much is recorded of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueBounds {
    /// Bytes of a string.
    pub size: u32,
    /// Containers inside each other.
    pub depth: u32,
    /// Members of each container.
    pub items: u32,
}

impl Default for ValueBounds {
    fn default() -> ValueBounds {
        ValueBounds { size: 256, depth: 4, items: 32 }
    }
}

impl ValueBounds {
    /// More than these are not recorded: the longest value has to fit into the ring.
    pub const MOST: ValueBounds = ValueBounds { size: 65_536, depth: 16, items: 1000 };
}

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
    /// Text is written, whatever the file is called.
    pub text: bool,
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
    /// Each instruction is recorded individually, as where nothing else would be true: to check the rest.
    pub every: bool,
    /// Values are recorded too, that much of each.
    pub values: Option<ValueBounds>,
    /// Ends after this many instructions.
    pub limit: Option<u64>,
    /// Ends before the file is larger than this.
    pub max_bytes: Option<u64>,
    /// All options as they were given, each of [`WORDS`] or with a number, for the recording's header.
    pub options: Vec<String>,
    /// The program's SHA-256.
    pub program: Option<String>,
    /// What the hook has set in the environment of this program: [`PROCESS`].
    pub process: Option<String>,
}

impl Settings {
    /// Reads the variables through `get`. `None` if [`FILE`] is not set; the error is a message
    /// for the user.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Option<Settings>, String> {
        let Some(file) = get(FILE) else { return Ok(None) };
        if file.is_empty() {
            return Err(format!(
                "`{FILE}` is empty; name a file for the trace, or `-` for standard output, or \
                 unset it to run without a trace"
            ));
        }
        let name = get(NAME).map(|name| name.as_bytes().to_vec());
        let program = get(PROGRAM).map(|program| program.to_string_lossy().into_owned());
        let process = get(PROCESS).map(|process| process.to_string_lossy().into_owned());
        let mut settings = Settings { file, name, program, process, ..Settings::default() };
        let mut bounds = ValueBounds::default();
        for option in get(OPTIONS).unwrap_or_default().as_bytes().split(|&byte| byte == b',') {
            let option = String::from_utf8_lossy(option).into_owned();
            if !option.is_empty() {
                settings.take(&option, &mut bounds)?;
                settings.options.push(option);
            }
        }
        if settings.values.is_some() {
            settings.values = Some(bounds);
        }
        settings.see_that_they_agree()?;
        let bytes = settings.file.as_bytes();
        let inner = bytes.strip_suffix(b".zst");
        settings.compress |= inner.is_some();
        settings.flow |= !settings.text && inner.unwrap_or(bytes).ends_with(b".flow");
        if settings.values.is_some() && !settings.flow {
            return Err(format!(
                "`{OPTIONS}` holds `values`, which only a recording has; name a file that ends in \
                 `.flow`, or add `flow`"
            ));
        }
        Ok(Some(settings))
    }

    /// Takes one of the options.
    fn take(&mut self, option: &str, bounds: &mut ValueBounds) -> Result<(), String> {
        let (word, number) = match option.split_once('=') {
            Some((word, number)) => (word, Some(number)),
            None => (option, None),
        };
        let number = || match number.map(str::parse) {
            Some(Ok(number)) if number > 0 => Ok(Some(number)),
            _ => Err(format!(
                "`{OPTIONS}` holds `{option}`; `{word}=` takes a number from 1 to {}",
                u64::MAX
            )),
        };
        let bound = |most: u32| match number()? {
            Some(number) if number <= u64::from(most) => Ok(number as u32),
            _ => {
                Err(format!("`{OPTIONS}` holds `{option}`; `{word}=` takes a number up to {most}"))
            }
        };
        let most = ValueBounds::MOST;
        match option {
            "resolve" => self.resolve = true,
            "blog" => self.blog = true,
            "raw" => self.raw = true,
            "text" => self.text = true,
            "flow" => self.flow = true,
            "compress" => self.compress = true,
            "inherit" => self.inherit = true,
            "follow-fork" => self.follow_fork = true,
            "threads" => self.threads = true,
            "guard" => self.guard = true,
            "every" => self.every = true,
            "values" => self.values = Some(ValueBounds::default()),
            _ if word == "value-size" => bounds.size = bound(most.size)?,
            _ if word == "depth" => bounds.depth = bound(most.depth)?,
            _ if word == "items" => bounds.items = bound(most.items)?,
            _ if word == "limit" => self.limit = number()?,
            _ if word == "max-bytes" => self.max_bytes = number()?,
            _ => {
                let words = WORDS.map(|word| format!("`{word}`")).join(", ");
                return Err(format!("`{OPTIONS}` holds `{option}`; it knows {words}, {NUMBERS}"));
            }
        }
        Ok(())
    }

    /// Refuses what cannot all be had.
    fn see_that_they_agree(&self) -> Result<(), String> {
        if !self.flow {
            return Ok(());
        }
        let conflicts = [("text", self.text), ("resolve", self.resolve), ("blog", self.blog)];
        if let Some((word, _)) = conflicts.iter().find(|(_, is_set)| *is_set) {
            let hint = match *word {
                "text" => "name one format",
                _ => "a recording holds everything; give it to `trace27 expand`",
            };
            return Err(format!("`{OPTIONS}` holds both `flow` and `{word}`; {hint}"));
        }
        if self.name.is_some() {
            return Err(format!(
                "`{NAME}` is set and `{OPTIONS}` holds `flow`; a recording holds everything; give \
                 `-n` to `trace27 expand`"
            ));
        }
        Ok(())
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

    /// Which of the programs that this process has been, from 1, is to trace itself.
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
    }

    #[test]
    fn an_empty_name_is_refused() {
        let error = read(&[(FILE, "")]).unwrap_err();
        assert!(error.starts_with("`PYTHON27_TRACED_FILE` is empty; "), "{error}");
    }

    #[test]
    fn all_are_read() {
        let all = |words: &[&str]| format!("{},limit=5,max-bytes=6", words.join(","));
        let words = |but: &[&str]| {
            WORDS.iter().copied().filter(|word| !but.contains(word)).collect::<Vec<_>>()
        };
        let read = |options: &str, name| {
            let mut variables = vec![(FILE, "t"), (OPTIONS, options), (PROGRAM, "00")];
            variables.extend(name);
            read(&variables)
        };
        let options = all(&words(&["flow", "values"]));
        let wanted = Settings {
            file: "t".into(),
            name: Some(Vec::new()),
            resolve: true,
            blog: true,
            raw: true,
            text: true,
            flow: false,
            compress: true,
            inherit: true,
            follow_fork: true,
            threads: true,
            guard: true,
            every: true,
            values: None,
            limit: Some(5),
            max_bytes: Some(6),
            options: options.split(',').map(str::to_owned).collect(),
            program: Some("00".to_owned()),
            process: None,
        };
        assert_eq!(read(&options, Some((NAME, ""))), Ok(Some(wanted.clone())));
        let options = all(&words(&["text", "resolve", "blog"]));
        let wanted = Settings {
            name: None,
            resolve: false,
            blog: false,
            text: false,
            flow: true,
            values: Some(ValueBounds::default()),
            options: options.split(',').map(str::to_owned).collect(),
            ..wanted
        };
        assert_eq!(read(&options, None), Ok(Some(wanted)));
    }

    #[test]
    fn what_cannot_all_be_had_is_refused() {
        for (options, wanted) in [
            ("text,flow", "holds both `flow` and `text`"),
            ("flow,threads,resolve", "holds both `flow` and `resolve`"),
            ("blog,flow", "holds both `flow` and `blog`"),
        ] {
            let error = read(&[(FILE, "t"), (OPTIONS, options)]).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
        let error = read(&[(FILE, "t"), (OPTIONS, "flow"), (NAME, "f")]).unwrap_err();
        assert!(error.starts_with("`PYTHON27_TRACED_NAME` is set and "), "{error}");
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
        for option in ["flows", "raw=1", "Flow", " flow"] {
            let error = read(&[(FILE, "t"), (OPTIONS, option)]).unwrap_err();
            assert!(error.contains(&format!("holds `{option}`; it knows `resolve`, ")), "{error}");
        }
        for option in ["limit", "limit=", "limit=x", "limit=0", "max-bytes=10Q", "limit=-1"] {
            let error = read(&[(FILE, "t"), (OPTIONS, option)]).unwrap_err();
            assert!(error.contains(&format!("holds `{option}`; `")), "{error}");
            assert!(error.contains("takes a number from 1 to 18446744073709551615"), "{error}");
        }
    }
}
