//! The patched source: a repository with the pristine tree as its first commit and one commit
//! for each patch, so that a developer edits the tree, commits, and writes the series again.
//!
//! Patches are applied to blobs, not to files: what applies with an offset or to another
//! preimage than the patch names is refused. Files whose content stays keep their times, so
//! that make compiles only what a patch has changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use git2::build::CheckoutBuilder;
use git2::{Commit, Diff, DiffFormat, DiffOptions, Oid, Repository, Signature, Sort, Time};
use serde_json::Value;

use crate::series::Patch;
use crate::source::{self, Request};
use crate::ui::Ui;

/// The pristine tree's commit.
const PRISTINE: &str = "refs/tags/pristine";
/// The last commit that is a patch on disk.
const APPLIED: &str = "refs/tags/applied";
/// What the tree came from, as JSON beside the repository's own files.
const PROVENANCE: &str = "python27-traced.json";

/// A source tree with its history.
pub struct Checkout {
    repository: Repository,
    path: PathBuf,
}

impl Checkout {
    /// Opens the tree at `path`, getting the pristine one first if there is none.
    pub fn open(path: &Path, request: &Request, ui: &Ui) -> Result<Checkout> {
        if !path.join(".git").join(PROVENANCE).exists() {
            if path.exists() {
                fs::remove_dir_all(path)
                    .with_context(|| format!("cannot remove the half tree `{}`", path.display()))?;
            }
            let provenance = source::obtain(request, path, ui)?;
            let stage = ui.stage("commit the pristine tree");
            commit_pristine(path, &provenance.to_json())
                .with_context(|| format!("cannot make `{}` a repository", path.display()))?;
            stage.done("");
        }
        let repository = Repository::open(path)
            .with_context(|| format!("cannot open the repository `{}`", path.display()))?;
        Ok(Checkout { repository, path: path.to_owned() })
    }

    /// The commit of the tree at `path`, if it has exactly these patches and no edits.
    /// Gets nothing and writes no file of the tree.
    pub fn current(path: &Path, patches: &[Patch]) -> Result<Option<String>> {
        if !path.join(".git").join(PROVENANCE).exists() {
            return Ok(None);
        }
        let Ok(repository) = Repository::open(path) else { return Ok(None) };
        let checkout = Checkout { repository, path: path.to_owned() };
        let head = checkout.head()?.id();
        let stands = checkout.commit_all(patches)? == head && checkout.edited(false)?.is_empty();
        Ok(stands.then(|| head.to_string()))
    }

    /// What the pristine tree came from.
    pub fn provenance(&self) -> Result<Value> {
        let file = self.repository.path().join(PROVENANCE);
        let text = fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot parse `{}`", file.display()))
    }

    /// Makes the tree have exactly these patches. Refuses to overwrite a developer's own commits
    /// and edits, unless `force` says so.
    pub fn apply(&self, patches: &[Patch], force: bool) -> Result<()> {
        if !force {
            self.ensure_nothing_to_lose()?;
        }
        let wanted = self.commit_all(patches)?;
        let wanted = self.repository.find_commit(wanted)?;
        self.repository
            .checkout_tree(wanted.as_object(), Some(CheckoutBuilder::new().force()))
            .with_context(|| {
                format!("cannot check the patches out to `{}`", self.path.display())
            })?;
        let branch = self.repository.head()?.resolve()?.name().map(str::to_owned)?;
        self.repository.reference(&branch, wanted.id(), true, "apply patches")?;
        self.repository.reference(APPLIED, wanted.id(), true, "apply patches")?;
        Ok(())
    }

    /// The id of the last commit: it names the content of the whole tree.
    pub fn commit_id(&self) -> Result<String> {
        Ok(self.head()?.id().to_string())
    }

    /// The paths of the files that are new, gone or different since a commit. `None` if there
    /// is no such commit.
    pub fn changed_since(&self, commit: &str) -> Result<Option<Vec<String>>> {
        let Ok(before) = Oid::from_str(commit).and_then(|id| self.repository.find_commit(id))
        else {
            return Ok(None);
        };
        let diff = self.repository.diff_tree_to_tree(
            Some(&before.tree()?),
            Some(&self.head()?.tree()?),
            None,
        )?;
        let paths = diff
            .deltas()
            .filter_map(|delta| delta.new_file().path().or(delta.old_file().path()))
            .map(|path| path.display().to_string());
        Ok(Some(paths.collect()))
    }

    /// The commits since the pristine tree, as patches. The tree must be committed.
    pub fn patches(&self) -> Result<Vec<Patch>> {
        ensure!(
            self.edited(true)?.is_empty(),
            "`{}` has changes that are not committed:\n  {}\ncommit them there first",
            self.path.display(),
            self.edited(true)?.join("\n  ")
        );
        self.patches_until(self.head()?.id())
    }

    /// What these patches become when they are applied and written again.
    pub fn rewrite(&self, patches: &[Patch]) -> Result<Vec<Patch>> {
        self.patches_until(self.commit_all(patches)?)
    }

    fn patches_until(&self, last: Oid) -> Result<Vec<Patch>> {
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
        walk.push(last)?;
        walk.hide_ref(PRISTINE)?;
        walk.map(|id| self.format(&self.repository.find_commit(id?)?)).collect()
    }

    fn format(&self, commit: &Commit) -> Result<Patch> {
        ensure!(
            commit.parent_count() == 1,
            "commit {} of `{}` is a merge; make the commits since `pristine` a straight line",
            commit.id(),
            self.path.display()
        );
        let mut options = DiffOptions::new();
        options.id_abbrev(40).context_lines(3);
        let diff = self.repository.diff_tree_to_tree(
            Some(&commit.parent(0)?.tree()?),
            Some(&commit.tree()?),
            Some(&mut options),
        )?;
        let mut text = Vec::new();
        diff.print(DiffFormat::Patch, |_, _, line| {
            if matches!(line.origin(), '+' | '-' | ' ') {
                text.push(line.origin() as u8);
            }
            text.extend_from_slice(line.content());
            true
        })?;
        let message = commit.message().context("a commit's message is not UTF-8")?;
        let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
        let author = commit.author();
        Ok(Patch {
            subject: subject.to_owned(),
            body: body.trim().to_owned(),
            author: format!("{} <{}>", author.name()?, author.email()?),
            date: date::format(author.when()),
            diff: text,
        })
    }

    /// A commit for each patch, on top of the pristine one. Returns the last.
    fn commit_all(&self, patches: &[Patch]) -> Result<Oid> {
        let mut parent = self.repository.find_reference(PRISTINE)?.peel_to_commit()?;
        for patch in patches {
            let id = self
                .commit(patch, &parent)
                .with_context(|| format!("`{}` does not apply", patch.file_name()))?;
            parent = self.repository.find_commit(id)?;
        }
        Ok(parent.id())
    }

    fn commit(&self, patch: &Patch, parent: &Commit) -> Result<Oid> {
        let tree = parent.tree()?;
        let diff = Diff::from_buffer(&patch.diff)?;
        for delta in diff.deltas() {
            let (Some(path), named) = (delta.old_file().path(), delta.old_file().id()) else {
                continue;
            };
            let found = tree.get_path(path).map_or(Oid::ZERO_SHA1, |entry| entry.id());
            ensure!(
                found == named,
                "`{}` is blob {found} in the tree, and the patch is for {named}",
                path.display()
            );
        }
        let mut index = self.repository.apply_to_tree(&tree, &diff, None)?;
        let tree = self.repository.find_tree(index.write_tree_to(&self.repository)?)?;
        let (name, email) = patch
            .author
            .strip_suffix('>')
            .and_then(|author| author.split_once(" <"))
            .with_context(|| format!("`{}` is no author", patch.author))?;
        let who = Signature::new(name, email, &date::parse(&patch.date)?)?;
        let message = match patch.body.as_str() {
            "" => format!("{}\n", patch.subject),
            body => format!("{}\n\n{body}\n", patch.subject),
        };
        Ok(self.repository.commit(None, &who, &who, &message, &tree, &[parent])?)
    }

    fn ensure_nothing_to_lose(&self) -> Result<()> {
        let edited = self.edited(false)?;
        if !edited.is_empty() {
            bail!(
                "`{}` has changes that would be lost:\n  {}\ncommit them there and run `cargo \
                 xtask patches refresh`, or throw them away with `cargo xtask patches apply --force`",
                self.path.display(),
                edited.join("\n  ")
            );
        }
        let applied = self.repository.find_reference(APPLIED)?.peel_to_commit()?.id();
        ensure!(
            self.head()?.id() == applied,
            "`{}` has commits that `patches/` does not have; run `cargo xtask patches refresh`, or \
             throw them away with `cargo xtask patches apply --force`",
            self.path.display()
        );
        Ok(())
    }

    /// Marks the tree's commits as written to disk.
    pub fn mark_applied(&self) -> Result<()> {
        self.repository.reference(APPLIED, self.head()?.id(), true, "refresh patches")?;
        Ok(())
    }

    /// The files that differ from the last commit. `new` ones count for who makes patches of them;
    /// a checkout leaves them alone, and running the tests of the tree leaves some behind.
    fn edited(&self, new: bool) -> Result<Vec<String>> {
        let mut options = git2::StatusOptions::new();
        options.include_untracked(new).include_ignored(false);
        let statuses = self.repository.statuses(Some(&mut options))?;
        Ok(statuses.iter().map(|entry| entry.path().unwrap_or("?").to_owned()).collect())
    }

    fn head(&self) -> Result<Commit<'_>> {
        Ok(self.repository.head()?.peel_to_commit()?)
    }
}

fn commit_pristine(path: &Path, provenance: &Value) -> Result<()> {
    let repository = Repository::init(path)?;
    // The bytes of the release, whatever the user's own settings say.
    let mut config = repository.config()?;
    config.set_str("core.autocrlf", "false")?;
    // Compressing takes longer than all the rest of this, and saves little.
    config.set_i32("core.looseCompression", 0)?;
    // The release's own .gitignore would hide files of the release.
    let exclude = repository.path().join("info/exclude");
    fs::write(&exclude, "*.pyc\n*.pyo\nLib/lib2to3/*.pickle\n")?;
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::FORCE, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let who = Signature::new("CPython", "python27-traced@example.invalid", &Time::new(0, 0))?;
    let message = "The pristine source of CPython 2.7.18\n";
    let id = repository.commit(Some("HEAD"), &who, &who, message, &tree, &[])?;
    repository.reference(PRISTINE, id, true, "pristine")?;
    repository.reference(APPLIED, id, true, "pristine")?;
    // The last act: without this file the tree counts as half made.
    fs::write(repository.path().join(PROVENANCE), serde_json::to_vec_pretty(provenance)?)?;
    Ok(())
}

mod date;

#[cfg(test)]
mod tests;
