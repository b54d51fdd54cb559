//! Whether bindgen will work: which libclang it will load, and whether that parses C here.
//!
//! The search is that of clang-sys 1.9 (`build/common.rs` and `build/dynamic.rs`) with its
//! `runtime` feature, which bindgen turns on. A libclang alone is not enough: `stddef.h` and its kin
//! are clang's own, in a package of their own on some systems. So the library found is put to work, in
//! a program of its own (`libclang.c`), since a crash in there must not be ours.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Status;
use super::compiler::Compiler;
use super::probe::{answer, is_program};

/// Where clang-sys looks after `llvm-config` and the loader's variables; `*` is any ending.
const FOLDERS: &[&str] = if cfg!(target_os = "macos") {
    &[
        "/usr/local/opt/llvm*/lib/llvm*/lib",
        "/Library/Developer/CommandLineTools/usr/lib",
        "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib",
        "/usr/local/opt/llvm*/lib",
    ]
} else {
    &[
        "/usr/local/llvm*/lib*",
        "/usr/local/lib*/*/*",
        "/usr/local/lib*/*",
        "/usr/local/lib*",
        "/usr/lib*/*/*",
        "/usr/lib*/*",
        "/usr/lib*",
    ]
};

/// Finds libclang and tries it. Without a compiler the trial waits: the status is unknown.
pub fn examine(compiler: Option<&Compiler>) -> Status {
    let library = match find() {
        Ok(library) => library,
        Err(fault) => return Status::Missing(fault),
    };
    let Some(compiler) = compiler else {
        return Status::Unknown(format!(
            "`{}` is there; it can be tried when a C compiler works",
            library.display()
        ));
    };
    let mut arguments = vec![library.clone().into_os_string()];
    arguments.extend(clang_arguments());
    let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    match compiler.run(include_str!("libclang.c"), &["dl"], &arguments) {
        Ok(version) if version.is_empty() => Status::Found(library.display().to_string()),
        Ok(version) => Status::Found(format!("{}, {version}", library.display())),
        Err(reason) => Status::Missing(format!(
            "`{}` is there, and does not work: {reason}",
            library.display()
        )),
    }
}

/// The library that clang-sys will load, or what the user should know of why there is none.
fn find() -> Result<PathBuf, String> {
    // The variable narrows the search to the file or folder that it names.
    if let Some(path) = env::var_os("LIBCLANG_PATH").map(PathBuf::from) {
        let named = path.file_name().and_then(OsStr::to_str).is_some_and(is_libclang);
        let found = if named && path.is_file() { Some(path.clone()) } else { best(&[&path]) };
        return found.ok_or_else(|| {
            format!("`LIBCLANG_PATH` names `{}`, which holds no libclang", path.display())
        });
    }
    let mut folders = Vec::new();
    if let Some(prefix) = llvm_config("--prefix") {
        folders.extend(["bin", "lib", "lib64"].map(|name| prefix.join(name)));
    }
    if cfg!(target_os = "macos")
        && let Ok(developer) = answer(Command::new("xcode-select").arg("--print-path"))
    {
        folders.push(Path::new(&developer).join("Toolchains/XcodeDefault.xctoolchain/usr/lib"));
    }
    for variable in ["LD_LIBRARY_PATH", "LIBRARY_PATH"] {
        folders.extend(env::split_paths(&env::var_os(variable).unwrap_or_default()));
    }
    folders.extend(FOLDERS.iter().flat_map(|pattern| expand(Path::new("/"), pattern)));
    best(&folders).ok_or_else(String::new)
}

/// The library with the highest version in its name; among equals, the one in the first folder.
fn best(folders: &[impl AsRef<Path>]) -> Option<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        // A folder's order is the file system's: sorted, the outcome is the same everywhere.
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        for name in names.into_iter().filter(|name| is_libclang(name)) {
            let file = folder.as_ref().join(&name);
            if is_shared_library(&file) {
                found.push((version(&name), file));
            }
        }
    }
    // `max_by` takes the last among equals.
    found.into_iter().rev().max_by(|a, b| a.0.cmp(&b.0)).map(|(_, file)| file)
}

/// `libclang.so`, `libclang-*.so`, `libclang.so.*`, `libclang-*.so.*`; on macOS `libclang.dylib`.
/// `libclang-cpp` is another library.
fn is_libclang(name: &str) -> bool {
    if cfg!(target_os = "macos") {
        return name == "libclang.dylib";
    }
    let Some(rest) = name.strip_prefix("libclang") else { return false };
    let numbered = rest.starts_with('-') && (rest.ends_with(".so") || rest.contains(".so."));
    !name.contains("-cpp.") && (rest == ".so" || rest.starts_with(".so.") || numbered)
}

/// The numbers that clang-sys compares: those after `.so.`, else those after `libclang-`, where a
/// part that is no number counts as 0.
fn version(name: &str) -> Vec<u32> {
    let numbers = match name.strip_prefix("libclang.so.") {
        Some(numbers) => numbers,
        None => match name.strip_prefix("libclang-") {
            // It cuts three characters off, whether they are `.so` or not.
            Some(rest) => rest.get(..rest.len().saturating_sub(3)).unwrap_or_default(),
            None => return Vec::new(),
        },
    };
    numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// Whether the file is a shared library of this machine's width. Linker scripts and dangling
/// links are not.
fn is_shared_library(file: &Path) -> bool {
    if cfg!(target_os = "macos") {
        return file.is_file();
    }
    let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let mut header = [0; 5];
    fs::File::open(file).and_then(|mut file| file.read_exact(&mut header)).is_ok()
        && header == [0x7f, b'E', b'L', b'F', class]
}

/// The folders that match an absolute pattern, under `root`.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    for part in pattern.trim_start_matches('/').split('/') {
        folders = match part.strip_suffix('*') {
            None => folders.iter().map(|folder| folder.join(part)).collect(),
            Some(start) => folders.iter().flat_map(|folder| children(folder, start)).collect(),
        };
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

fn children(folder: &Path, start: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(start)))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// What bindgen passes to libclang before our own arguments: the system folders of the `clang` that
/// it finds, if there is one, and what the user sets.
fn clang_arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::var("BINDGEN_EXTRA_CLANG_ARGS")
        .unwrap_or_default()
        .split_whitespace()
        .map(OsString::from)
        .collect();
    let Some(clang) = clang() else { return arguments };
    let output = Command::new(clang)
        .args(["-E", "-x", "c", "-", "-v"])
        .stdin(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .unwrap_or_default();
    for folder in system_folders(&output) {
        arguments.extend(["-isystem".into(), folder.into()]);
    }
    arguments
}

/// The folders in what `clang -v` says of its search.
fn system_folders(output: &str) -> impl Iterator<Item = &str> {
    output
        .lines()
        .skip_while(|line| !line.starts_with("#include <...> search starts here:"))
        .skip(1)
        .take_while(|line| !line.starts_with("End of search list."))
        .map(|line| line.trim().trim_end_matches(" (framework directory)"))
}

/// The `clang` of `CLANG_PATH`, of `llvm-config`, or of `PATH`: `clang`, else `clang-NN`.
fn clang() -> Option<PathBuf> {
    if let Some(clang) = env::var_os("CLANG_PATH").map(PathBuf::from).filter(|p| is_program(p)) {
        return Some(clang);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let numbered = |path: &PathBuf| {
        let rest = path.file_name().and_then(OsStr::to_str).and_then(|n| n.strip_prefix("clang-"));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) && is_program(path)
    };
    llvm_config("--bindir").into_iter().chain(env::split_paths(&path)).find_map(|folder| {
        let plain = Some(folder.join("clang")).filter(|clang| is_program(clang));
        plain.or_else(|| children(&folder, "clang-").into_iter().find(numbered))
    })
}

fn llvm_config(argument: &str) -> Option<PathBuf> {
    let program = env::var_os("LLVM_CONFIG_PATH").unwrap_or_else(|| "llvm-config".into());
    answer(Command::new(program).arg(argument)).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn which_names_are_libclang() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so", "libclang-14.so.14.0.6"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang.a", "libclang-14.a", "libclangAST.so", "x"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn versions_as_clang_sys_reads_them() {
        assert!(version("libclang.so").is_empty());
        assert_eq!(version("libclang.so.14.0.6"), [14, 0, 6]);
        assert_eq!(version("libclang-3.9.so"), [3, 9]);
        assert_eq!(version("libclang-14.so.1"), [14, 0]);
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_newest_in_the_first_folder_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
        let put = |name: &str, bytes: &[u8]| {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, bytes).unwrap();
            file
        };
        let elf = [0x7f, b'E', b'L', b'F', class];
        put("usr/lib/llvm-13/lib/libclang.so.13", &elf);
        let newest = put("usr/lib/x86_64-linux-gnu/libclang.so.14", &elf);
        put("usr/lib64/libclang.so.14", &elf);
        put("usr/lib/x86_64-linux-gnu/libclang.so.15", b"INPUT(libclang.so)");
        let folders: Vec<PathBuf> =
            FOLDERS.iter().flat_map(|pattern| expand(root.path(), pattern)).collect();
        assert_eq!(best(&folders), Some(newest));
        assert_eq!(best(&[root.path()]), None);
    }

    #[test]
    fn the_folders_that_clang_names() {
        let output = "clang version 14\n#include \"...\" search starts here:\n\
                      #include <...> search starts here:\n /usr/lib/clang/14/include\n \
                      /usr/include\nEnd of search list.\nrest\n";
        let folders: Vec<&str> = system_folders(output).collect();
        assert_eq!(folders, ["/usr/lib/clang/14/include", "/usr/include"]);
    }
}
