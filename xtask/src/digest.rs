//! What a build was made from, as one number: the SHA-256 of files and texts.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The hash of texts, with their boundaries.
pub fn of_texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        let text = text.as_ref();
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hex(hasher)
}

/// The hash of one text alone, as `sha256sum` prints it.
pub fn of_bytes(text: &[u8]) -> String {
    hex(Sha256::new().chain_update(text))
}

/// The hash of files and of all files in folders, with their names below `root`.
pub fn of_files(root: &Path, paths: &[&str]) -> Result<String> {
    let mut texts = Vec::new();
    for path in paths {
        collect(root, &root.join(path), &mut texts)?;
    }
    Ok(of_texts(texts))
}

/// The hash of all that was fed to `hasher`, in lower-case hexadecimal digits.
pub fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn collect(root: &Path, path: &Path, texts: &mut Vec<Vec<u8>>) -> Result<()> {
    let context = || format!("cannot read `{}`", path.display());
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(context)?;
        let mut inside = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()
            .with_context(context)?;
        inside.sort();
        return inside.iter().try_for_each(|path| collect(root, path, texts));
    }
    let name = path.strip_prefix(root).unwrap_or(path);
    texts.push(name.as_os_str().as_encoded_bytes().to_vec());
    texts.push(fs::read(path).with_context(context)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contents_and_bounds_count() {
        assert_ne!(of_texts(["ab", "c"]), of_texts(["a", "bc"]));
        let folder = tempfile::tempdir().unwrap();
        let hash = || of_files(folder.path(), &["in", "one"]).unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("one"), "1").unwrap();
        let before = hash();
        fs::write(folder.path().join("in/two"), "2").unwrap();
        let with_two = hash();
        assert_ne!(before, with_two);
        fs::rename(folder.path().join("in/two"), folder.path().join("in/three")).unwrap();
        assert_ne!(with_two, hash());
        assert!(of_files(folder.path(), &["gone"]).is_err());
    }
}
