//! What CPython 2.7.18 is: addresses, sizes, hashes. Facts only; `source` acts on them.
//!
//! The types carry a lifetime so that tests can pin small trees of their own.

/// One release, in every form in which it can be had.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The version, as in `2.7.18`.
    pub version: &'a str,
    /// The tag in the upstream repository.
    pub tag: &'a str,
    /// The commit that the tag names.
    pub commit: &'a str,
    /// The upstream repository.
    pub repository: &'a str,
    /// The folder of the release's archives, with a `/` at its end.
    pub download: &'a str,
    /// The path of `archives[0]` below the root of a Debian archive mirror.
    pub debian: &'a str,
    /// The archives, the preferred one first.
    pub archives: &'a [Archive<'a>],
    /// Files that distinguish the release from any other, those that our patches touch among them.
    pub blobs: &'a [Blob<'a>],
    /// Files that configuring leaves behind: where one exists, the tree is not pristine.
    pub leftovers: &'a [&'a str],
    /// The time that each file of a tree gets, in seconds since 1970. One time for all keeps make
    /// from regenerating what the release ships, for which it would need a Python.
    pub modified: u64,
}

/// A release archive.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// The file's name at python.org and in the cache.
    pub name: &'a str,
    /// SHA-256 of the file, in lower-case hexadecimal digits.
    pub sha256: &'a str,
    /// The file's size in bytes; `None` where it is not known, see [`Archive::limit`].
    pub size: Option<u64>,
}

/// A file of the tree and its git object id: SHA-1 of `blob`, a space, the size, a NUL, the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    /// The path from the tree's top.
    pub path: &'a str,
    /// The object id, in full.
    pub id: &'a str,
}

impl Archive<'_> {
    /// The bytes after which a download is cut off. An unknown size is bounded by that of the
    /// release's `.tgz`, which holds the same tar file less well compressed.
    pub fn limit(&self) -> u64 {
        self.size.unwrap_or(TGZ_SIZE)
    }
}

const TGZ_SIZE: u64 = 17_539_408;

/// The one release that is traced.
pub const CPYTHON: Release<'static> = Release {
    version: "2.7.18",
    tag: "v2.7.18",
    commit: "8d21aa21f2cbc6d50aab3f420bb23be1d081dac4",
    repository: "https://github.com/python/cpython",
    download: "https://www.python.org/ftp/python/2.7.18/",
    debian: "pool/main/p/python2.7/python2.7_2.7.18.orig.tar.gz",
    archives: &[
        Archive {
            name: "Python-2.7.18.tgz",
            sha256: "da3080e3b488f648a3d7a4560ddee895284c3380b11d6de75edb986526b9a814",
            size: Some(TGZ_SIZE),
        },
        Archive {
            name: "Python-2.7.18.tar.xz",
            sha256: "b62c0e7937551d0cc02b8fd5cb0f544f9405bafc9a54d3808ed4594812edef43",
            size: None,
        },
    ],
    blobs: &[
        // Patched.
        Blob { path: "Python/ceval.c", id: "e1140a8e401243e10165c01af11d2573600bd229" },
        Blob { path: "Objects/codeobject.c", id: "d50e4c61f088283f2286f897cad165c7c1d56b03" },
        Blob { path: "Include/code.h", id: "26c571ae8727b172e9829e78ac4012baeeb9c0cf" },
        Blob { path: "Python/pystate.c", id: "f33f18202360f579d155feb4a26d6c454cffbbe5" },
        Blob { path: "Python/importdl.c", id: "14c9be87d31b33a4ba4cb76e98c13a7dbc19aa0c" },
        Blob { path: "Modules/signalmodule.c", id: "88b471193214d59160d9afc7940f86409c30b61c" },
        Blob { path: "Modules/_io/fileio.c", id: "ed5b918e76a7f82ecb950402ab17d00914c59985" },
        Blob { path: "Objects/fileobject.c", id: "b524f09e0a396eda0097eae724e5851068b91384" },
        Blob { path: "Modules/posixmodule.c", id: "7a1a6945c102eb19988bd946e445ddae689e98b3" },
        Blob { path: "Modules/main.c", id: "a6edf822d039cd4ea58f76e8f409815de9ee7226" },
        Blob { path: "Python/pythonrun.c", id: "abdfb146ae51f16f9172028f4168f84505066e1f" },
        Blob { path: "Python/import.c", id: "b79354b37a406450d475cd6566dae0644d68af2f" },
        Blob { path: "Makefile.pre.in", id: "2a14f3323bc3f406b121df5e162cbb65728a3b0c" },
        // The version, the compiler, the opcodes.
        Blob { path: "Include/patchlevel.h", id: "0ce6313fa94131ee9ba8cf96569dc40904bd0f5a" },
        Blob { path: "Python/compile.c", id: "6386a40731ed68e13af94b001592f8207b6438c4" },
        Blob { path: "Lib/opcode.py", id: "e403365b6a26818d22eab123f840b88a3a4e1fde" },
    ],
    leftovers: &["Makefile", "pyconfig.h", "config.status"],
    // The oldest time in the release's archives: 2020-04-19 21:13:39 UTC.
    modified: 1_587_330_819,
};
