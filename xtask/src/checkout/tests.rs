//! A tree of two files in place of CPython's.

use serde_json::json;

use super::*;

fn checkout(folder: &Path) -> Checkout {
    fs::write(folder.join("a.c"), "one\ntwo\nthree\n").unwrap();
    fs::write(folder.join("b.h"), "b\n").unwrap();
    fs::write(folder.join(".gitignore"), "b.h\n").unwrap();
    commit_pristine(folder, &json!({ "kind": "test" })).unwrap();
    Checkout { repository: Repository::open(folder).unwrap(), path: folder.to_owned() }
}

/// As a developer would: edit and commit.
fn commit(checkout: &Checkout, message: &str) {
    let mut index = checkout.repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::FORCE, None).unwrap();
    index.write().unwrap();
    let tree = checkout.repository.find_tree(index.write_tree().unwrap()).unwrap();
    let who = Signature::new("D", "d@example.invalid", &Time::new(1_000, 60)).unwrap();
    let head = checkout.head().unwrap();
    checkout.repository.commit(Some("HEAD"), &who, &who, message, &tree, &[&head]).unwrap();
}

fn two_patches(folder: &Path) -> (Checkout, Vec<Patch>) {
    let checkout = checkout(folder);
    fs::write(folder.join("a.c"), "one\nTWO\nthree\n").unwrap();
    commit(&checkout, "Shout\n\nWhy: to be heard.\n");
    fs::write(folder.join("new.h"), "n\n").unwrap();
    commit(&checkout, "Add a header");
    let patches = checkout.patches().unwrap();
    (checkout, patches)
}

#[test]
fn commits_become_patches_and_patches_the_same_commits() {
    let folder = tempfile::tempdir().unwrap();
    let (checkout, patches) = two_patches(folder.path());
    let names: Vec<_> = patches.iter().map(Patch::file_name).collect();
    assert_eq!(names, ["shout.patch", "add-a-header.patch"]);
    assert_eq!(patches[0].body, "Why: to be heard.");
    assert_eq!(patches[0].date, "Thu, 1 Jan 1970 01:16:40 +0100");
    for patch in &patches {
        assert_eq!(&Patch::parse(&patch.format()).unwrap(), patch);
    }
    assert_eq!(checkout.rewrite(&patches).unwrap(), patches);
}

#[test]
fn apply_changes_the_files_that_differ_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (checkout, patches) = two_patches(folder.path());
    checkout.mark_applied().unwrap();
    let at = |name: &str| folder.path().join(name);
    let before = fs::metadata(at("a.c")).unwrap().modified().unwrap();

    checkout.apply(&patches, false).unwrap();
    let both = checkout.commit_id().unwrap();
    let changed = || checkout.changed_since(&both).unwrap().unwrap();
    checkout.apply(&patches[..1], false).unwrap();
    assert_eq!(changed(), ["new.h"]);
    assert!(!at("new.h").exists());
    assert_eq!(fs::metadata(at("a.c")).unwrap().modified().unwrap(), before);

    checkout.apply(&patches, false).unwrap();
    assert_eq!(checkout.commit_id().unwrap(), both, "the same patches give the same commits");
    checkout.apply(&[], false).unwrap();
    assert_eq!(changed(), ["a.c", "new.h"]);
    assert_eq!(checkout.changed_since("0123").unwrap(), None);
    assert_eq!(fs::read_to_string(at("a.c")).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn a_developers_work_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (checkout, patches) = two_patches(folder.path());
    let error = checkout.apply(&[], false).unwrap_err().to_string();
    assert!(error.contains("patches refresh"), "{error}");
    checkout.mark_applied().unwrap();
    fs::write(folder.path().join("a.c"), "edited\n").unwrap();
    for error in [checkout.apply(&patches, false).unwrap_err(), checkout.patches().unwrap_err()] {
        assert!(error.to_string().contains("a.c"), "{error}");
    }
    checkout.apply(&patches, true).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("a.c")).unwrap(), "one\nTWO\nthree\n");
}

#[test]
fn new_files_are_left_alone_and_make_no_patch_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let (checkout, patches) = two_patches(folder.path());
    checkout.mark_applied().unwrap();
    fs::write(folder.path().join("left.txt"), "by a test\n").unwrap();
    checkout.apply(&patches[..1], false).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("left.txt")).unwrap(), "by a test\n");
    let error = checkout.patches().unwrap_err().to_string();
    assert!(error.contains("left.txt"), "{error}");
}

#[test]
fn a_patch_for_another_preimage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (checkout, mut patches) = two_patches(folder.path());
    let text = String::from_utf8(patches[0].diff.clone()).unwrap();
    let index = text.lines().find(|line| line.starts_with("index ")).unwrap();
    let forged = text.replace(&index[6..14], "01234567");
    patches[0].diff = forged.into_bytes();
    let error = format!("{:#}", checkout.apply(&patches, true).unwrap_err());
    assert!(
        error.contains("`shout.patch` does not apply") && error.contains("01234567"),
        "{error}"
    );
}
