//! `patches apply|refresh|check|list`: the shipped series and the source tree, kept the same.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::checkout::Checkout;
use crate::flags::{Patches, Source};
use crate::layout::{Kind, Layout};
use crate::series::{self, Patch};
use crate::source::Request;
use crate::ui::Ui;

/// Runs the command. What is asked for goes to standard output, the rest to `ui`.
pub fn run(layout: &Layout, command: &Patches, ui: &Ui) -> Result<()> {
    match command {
        Patches::Apply { force, source } => {
            let checkout = open(layout, Kind::Traced, source, ui)?;
            let patches = read(layout, Kind::Traced)?;
            checkout.apply(&patches, *force)?;
            let tree = layout.tree(Kind::Traced);
            ui.say(&format!("`{}` has {} patches applied", tree.display(), patches.len()));
        }
        Patches::Refresh => {
            let source = Source { source: None, offline: true };
            let checkout = open(layout, Kind::Traced, &source, ui)?;
            let changed = series::write(&layout.root().join("patches"), &checkout.patches()?)?;
            checkout.mark_applied()?;
            let changed = if changed.is_empty() { "nothing".into() } else { changed.join(", ") };
            ui.say(&format!("changed in `patches/`: {changed}"));
        }
        Patches::Check(source) => check(layout, source, ui)?,
        Patches::List => {
            for patch in read(layout, Kind::Traced)? {
                println!("{}  +{}  {}", patch.file_name(), patch.added(), patch.subject);
            }
        }
    }
    Ok(())
}

/// Both series, the shipped one and the oracle's: they apply as they are, and are what
/// `refresh` would write.
fn check(layout: &Layout, source: &Source, ui: &Ui) -> Result<()> {
    // One pristine tree serves both.
    let checkout = open(layout, Kind::Traced, source, ui)?;
    let mut faults = Vec::new();
    for kind in [Kind::Traced, Kind::Oracle] {
        let patches = read(layout, kind)?;
        for (patch, again) in patches.iter().zip(checkout.rewrite(&patches)?) {
            if *patch != again {
                faults.push(difference(patch, &again)?);
            }
        }
        ui.say(&format!("{}: {} patches apply", kind.name(), patches.len()));
    }
    if !faults.is_empty() {
        bail!(
            "patches are not as `cargo xtask patches refresh` writes them\n{}",
            faults.join("\n")
        );
    }
    Ok(())
}

/// What `refresh` would change in a patch, as a diff of the two files.
fn difference(patch: &Patch, again: &Patch) -> Result<String> {
    let name = patch.file_name();
    let (old, new) = (patch.format(), again.format());
    let path = Some(Path::new(&name));
    let diff = git2::Patch::from_buffers(&old, path, &new, path, None)
        .and_then(|mut diff| diff.to_buf())
        .with_context(|| format!("cannot compare `{name}` with what `refresh` would write"))?;
    Ok(String::from_utf8_lossy(&diff).into_owned())
}

fn read(layout: &Layout, kind: Kind) -> Result<Vec<Patch>> {
    let folder = layout.patches(kind).context("this interpreter has no patches")?;
    series::read(&folder)
}

fn open(layout: &Layout, kind: Kind, source: &Source, ui: &Ui) -> Result<Checkout> {
    let cache = layout.cache();
    let request =
        Request { source: source.source.as_deref(), offline: source.offline, cache: &cache };
    Checkout::open(&layout.tree(kind), &request, ui)
}
