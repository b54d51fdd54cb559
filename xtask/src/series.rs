//! A patch series on disk: the order file and the patches, read and written.
//!
//! A patch is in the form of `git format-patch --zero-commit --full-index --no-signature
//! --no-stat`, so that the same commits give the same bytes on any machine. Its name comes from its
//! subject. Applying patches to a tree is left to `checkout`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The file that gives the order, one name on each line.
pub const ORDER: &str = "series";

const FROM: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001";

/// One patch: a commit and what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The first line of the message.
    pub subject: String,
    /// The rest of the message; may be empty.
    pub body: String,
    /// `Name <address>`
    pub author: String,
    /// When, as `Thu, 1 Jan 1970 00:00:00 +0000`.
    pub date: String,
    /// From the first `diff --git` on.
    pub diff: Vec<u8>,
}

impl Patch {
    /// The file's name: the subject in lower case, its words joined by hyphens.
    pub fn file_name(&self) -> String {
        let words = self.subject.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("-").to_ascii_lowercase() + ".patch"
    }

    /// How many lines it adds.
    pub fn added(&self) -> usize {
        let lines = self.diff.split(|&byte| byte == b'\n');
        lines.filter(|line| line.starts_with(b"+") && !line.starts_with(b"+++ ")).count()
    }

    /// Its text as it stands on disk.
    pub fn format(&self) -> Vec<u8> {
        let Patch { subject, body, author, date, diff } = self;
        let body = if body.is_empty() { String::new() } else { format!("{body}\n\n") };
        let head =
            format!("{FROM}\nFrom: {author}\nDate: {date}\nSubject: [PATCH] {subject}\n\n{body}");
        [head.as_bytes(), diff].concat()
    }

    /// Reads the text of a patch.
    pub fn parse(text: &[u8]) -> Result<Patch> {
        let start = find(text, b"diff --git ").context("it has no line `diff --git`")?;
        let head = std::str::from_utf8(&text[..start]).context("its message is not UTF-8")?;
        let (fields, body) = head.split_once("\n\n").context("it has no empty line")?;
        let field = |name: &str| {
            fields
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .with_context(|| format!("it has no line `{name}`"))
        };
        let patch = Patch {
            subject: field("Subject: [PATCH] ")?.to_owned(),
            body: body.trim_end().to_owned(),
            author: field("From: ")?.to_owned(),
            date: field("Date: ")?.to_owned(),
            diff: text[start..].to_vec(),
        };
        if patch.format() != text {
            bail!("it is not in the form that `cargo xtask patches refresh` writes");
        }
        Ok(patch)
    }
}

/// Reads the series in `folder`, in its order. All that is wrong is said at once.
pub fn read(folder: &Path) -> Result<Vec<Patch>> {
    let order = folder.join(ORDER);
    let text = fs::read_to_string(&order)
        .with_context(|| format!("cannot read the order of patches `{}`", order.display()))?;
    let mut faults = Vec::new();
    let mut patches = Vec::new();
    let mut listed = BTreeSet::new();
    for name in text.lines().map(str::trim).filter(|name| !name.is_empty()) {
        if !listed.insert(name) {
            faults.push(format!("`{ORDER}` lists `{name}` twice"));
            continue;
        }
        match fs::read(folder.join(name)) {
            Err(error) => faults.push(format!("`{ORDER}` lists `{name}`: {error}")),
            Ok(text) => match Patch::parse(&text) {
                Err(error) => faults.push(format!("`{name}`: {error:#}")),
                Ok(patch) if patch.file_name() != name => {
                    faults.push(format!("`{name}` should be named `{}`", patch.file_name()))
                }
                Ok(patch) => patches.push(patch),
            },
        }
    }
    for path in files(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !listed.contains(&*name) {
            faults.push(format!("`{ORDER}` does not list `{name}`"));
        }
    }
    if !faults.is_empty() {
        bail!("`{}`:\n  {}", folder.display(), faults.join("\n  "));
    }
    Ok(patches)
}

/// Makes the folder hold these patches and no others. Returns the names of the files that changed.
pub fn write(folder: &Path, patches: &[Patch]) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    let names: Vec<String> = patches.iter().map(Patch::file_name).collect();
    for path in files(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !names.contains(&name) {
            fs::remove_file(&path)
                .with_context(|| format!("cannot remove `{}`", path.display()))?;
            changed.push(name);
        }
    }
    let order: String = names.iter().map(|name| format!("{name}\n")).collect();
    let texts = patches.iter().map(Patch::format).chain([order.into_bytes()]);
    for (name, text) in names.iter().map(String::as_str).chain([ORDER]).zip(texts) {
        let path = folder.join(name);
        if fs::read(&path).ok().as_ref() != Some(&text) {
            fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
            changed.push(name.to_owned());
        }
    }
    Ok(changed)
}

/// The patches that lie in `folder`, listed or not.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read `{}`", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn find(text: &[u8], line: &[u8]) -> Option<usize> {
    let at_start = text.starts_with(line).then_some(0);
    let after = || text.windows(line.len() + 1).position(|w| w[0] == b'\n' && &w[1..] == line);
    at_start.or_else(|| after().map(|position| position + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(subject: &str) -> Patch {
        Patch {
            subject: subject.into(),
            body: "Why: because.\n\nGuarded by: x.".into(),
            author: "A <a@example.invalid>".into(),
            date: "Thu, 1 Jan 1970 00:00:00 +0000".into(),
            diff: b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+\xff\n".to_vec(),
        }
    }

    #[test]
    fn a_patch_reads_back_as_it_was_written() {
        for body in ["", "One.\n\nTwo."] {
            let patch = Patch { body: body.into(), ..patch("Call a hook, once") };
            assert_eq!(Patch::parse(&patch.format()).unwrap(), patch);
            assert_eq!(patch.file_name(), "call-a-hook-once.patch");
            assert_eq!(patch.added(), 1);
        }
    }

    #[test]
    fn a_folder_holds_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (patch("One"), patch("Two"));
        let changed = write(folder.path(), &[two.clone(), one.clone()]).unwrap();
        assert_eq!(changed, ["two.patch", "one.patch", ORDER]);
        assert_eq!(read(folder.path()).unwrap(), [two.clone(), one.clone()]);
        assert_eq!(write(folder.path(), &[two, one.clone()]).unwrap(), [] as [&str; 0]);
        assert_eq!(write(folder.path(), &[one]).unwrap(), ["two.patch", ORDER]);
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at(ORDER), "gone.patch\nmisnamed.patch\nbad.patch\nbad.patch\n").unwrap();
        fs::write(at("misnamed.patch"), patch("Other name").format()).unwrap();
        fs::write(at("bad.patch"), "no patch").unwrap();
        fs::write(at("extra.patch"), patch("Extra").format()).unwrap();
        let error = format!("{:#}", read(folder.path()).unwrap_err());
        for part in [
            "lists `gone.patch`",
            "named `other-name.patch`",
            "`bad.patch`: it has no line `diff --git`",
            "lists `bad.patch` twice",
            "does not list `extra.patch`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
