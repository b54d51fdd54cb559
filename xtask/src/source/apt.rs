//! The Debian archive mirrors and the proxy that this machine's apt is configured with.
//!
//! Reads what `sources.list(5)` describes, one-line and deb822 style, as far as addresses go.
//! Mirrors under other schemes than http and https (`cdrom:`, `file:`, `mirror+file:`) are
//! skipped, and so is what cannot be read: apt is one source among several.

use std::fs;
use std::path::Path;

/// What apt says about reaching the archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Apt {
    /// Roots of mirrors, without a `/` at the end, those with the component `main` first.
    pub mirrors: Vec<String>,
    /// `Acquire::http::Proxy`, where it is set flatly.
    pub proxy: Option<String>,
}

impl Apt {
    /// Reads the configuration below `root`, which is `/etc/apt` save in tests.
    pub fn read(root: &Path) -> Apt {
        let mut found = Vec::new();
        one_line(&text(&root.join("sources.list")), &mut found);
        for (name, text) in parts(&root.join("sources.list.d")) {
            if name.ends_with(".list") {
                one_line(&text, &mut found);
            } else if name.ends_with(".sources") {
                deb822(&text, &mut found);
            }
        }
        // Stable: among equals the file's order decides.
        found.sort_by_key(|mirror| !mirror.main);
        let mut mirrors: Vec<String> = Vec::new();
        for Mirror { uri, .. } in found {
            if !mirrors.contains(&uri) {
                mirrors.push(uri);
            }
        }
        let settings = parts(&root.join("apt.conf.d")).into_iter().map(|(_, text)| text);
        let settings = settings.chain([text(&root.join("apt.conf"))]);
        Apt { mirrors, proxy: settings.filter_map(|text| proxy(&text)).next_back() }
    }
}

struct Mirror {
    uri: String,
    main: bool,
}

impl Mirror {
    fn new(uri: &str, main: bool) -> Option<Mirror> {
        let http = ["http://", "https://"].iter().any(|scheme| uri.starts_with(scheme));
        http.then(|| Mirror { uri: uri.trim_end_matches('/').to_owned(), main })
    }
}

/// `deb [option=value …] URI SUITE COMPONENT…`
fn one_line(text: &str, found: &mut Vec<Mirror>) {
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((kind, mut rest)) = line.split_once(char::is_whitespace) else { continue };
        if kind != "deb" && kind != "deb-src" {
            continue;
        }
        rest = rest.trim_start();
        if let Some(options) = rest.strip_prefix('[') {
            let Some((_, after)) = options.split_once(']') else { continue };
            rest = after;
        }
        let mut words = rest.split_whitespace();
        let Some(uri) = words.next() else { continue };
        found.extend(Mirror::new(uri, words.skip(1).any(|component| component == "main")));
    }
}

/// Stanzas of `Field: value`, with `#` lines between and indented lines that go on.
fn deb822(text: &str, found: &mut Vec<Mirror>) {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for stanza in lines.split(|line| line.trim().is_empty()) {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in stanza {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
        let words = |name: &str| {
            fields
                .iter()
                .filter(|(field, _)| field == name)
                .flat_map(|(_, value)| value.split_whitespace())
                .collect::<Vec<_>>()
        };
        // The words that apt itself takes for no.
        let no = ["no", "false", "without", "off", "disable", "0"];
        if words("enabled").iter().any(|word| no.contains(&word.to_ascii_lowercase().as_str())) {
            continue;
        }
        let main = words("components").contains(&"main");
        found.extend(words("uris").into_iter().filter_map(|uri| Mirror::new(uri, main)));
    }
}

/// `Acquire::http::Proxy "http://host:port/";`, the last one; `DIRECT` is none.
fn proxy(text: &str) -> Option<String> {
    let key = "acquire::http::proxy";
    let value = text
        .lines()
        .map(str::trim)
        .filter(|line| line.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key)))
        .filter_map(|line| line[key.len()..].trim().strip_prefix('"')?.split('"').next())
        .next_back()?;
    value.starts_with("http").then(|| value.to_owned())
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Names and texts of the files in `path`, in the order of their names, which is apt's.
fn parts(path: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut parts: Vec<(String, String)> = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), text(&entry.path())))
        .collect();
    parts.sort();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Apt {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Apt::read(root.path())
    }

    #[test]
    fn one_line_style() {
        let text = "\
# deb http://commented.mirror.example/ stable main
deb cdrom:[Debian 12 amd64]/ stable main
deb [ arch=amd64 signed-by=/k.gpg ] http://tools.mirror.example stable extra
deb [trusted=yes] https://a.mirror.example/debian/ stable main contrib # why
deb-src\thttp://b.mirror.example/debian stable main
deb mirror+file:/etc/apt/mirrors.txt stable main
deb file:/srv/debian stable main
deb http://a.mirror.example/debian stable main
deb
deb [broken http://c.mirror.example stable main
rpm http://d.mirror.example stable main
deb https://a.mirror.example/debian stable-updates main
";
        let want = [
            "https://a.mirror.example/debian",
            "http://b.mirror.example/debian",
            "http://a.mirror.example/debian",
            "http://tools.mirror.example",
        ];
        assert_eq!(read(&[("sources.list", text)]).mirrors, want);
    }

    #[test]
    fn deb822_style() {
        let text = "\
# A comment, then a stanza whose addresses go on.
Types: deb deb-src
URIs: http://a.mirror.example/debian/
# between
 https://b.mirror.example/debian mirror+file:/etc/apt/mirrors.txt
Suites: stable
Components: main contrib
\t
types: deb
uris: http://c.mirror.example
enabled: No
components: main

Types: deb
Enabled: yes
URIs: http://d.mirror.example
Suites: ./
";
        let want = [
            "http://a.mirror.example/debian",
            "https://b.mirror.example/debian",
            "http://d.mirror.example",
        ];
        let list = "deb http://off.mirror.example stable main";
        let files =
            [("sources.list.d/debian.sources", text), ("sources.list.d/x.list.disabled", list)];
        assert_eq!(read(&files).mirrors, want);
    }

    #[test]
    fn the_proxy_set_last_counts() {
        let files = [
            ("apt.conf.d/10one", "Acquire::http::Proxy \"http://old.mirror.example:1\";\n"),
            ("apt.conf.d/20two", "// acquire::http::proxy \"http://no.mirror.example\";\n"),
            ("apt.conf.d/30three", "Acquire::http::Proxy::Host \"DIRECT\";\n"),
            ("apt.conf", "acquire::HTTP::proxy \"http://new.mirror.example:2/\";\n"),
        ];
        assert_eq!(read(&files).proxy.as_deref(), Some("http://new.mirror.example:2/"));
        assert_eq!(read(&[("apt.conf", "Acquire::http::Proxy \"DIRECT\";")]).proxy, None);
    }

    #[test]
    fn no_apt_is_no_error() {
        assert_eq!(Apt::read(Path::new("/nonexistent")), Apt::default());
    }
}
