//! The table of dependencies: what each is for, how it is looked for, which packages hold it.
//!
//! Data alone. A new dependency is a new row; the looking is in `probe`, the installing in
//! `install`. What each module of CPython needs is read off its `setup.py`.

use super::manager::Manager;

/// Who needs a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `build-python`, always.
    Build,
    /// Optional modules of the interpreter, or their full use.
    Module,
    /// The tests.
    Tests,
    /// Modules that few programs import: reported, never installed.
    Extra,
}

/// One row of the table.
#[derive(Debug)]
pub struct Dependency {
    /// What it is called in reports.
    pub name: &'static str,
    /// Who needs it.
    pub kind: Kind,
    /// The modules that the interpreter lacks without it.
    pub modules: &'static [&'static str],
    /// What it is good for, in a few words.
    pub purpose: &'static str,
    /// How it is looked for.
    pub probe: Probe,
    /// Where it comes from.
    pub packages: Packages,
}

/// How a dependency is looked for.
#[derive(Debug)]
pub enum Probe {
    /// The C compiler builds a program that starts.
    Compiler,
    /// The program is on `PATH` and answers to `--version`.
    Program(&'static str),
    /// A program with the library's header compiles, links and starts.
    Library(Library),
    /// bindgen's search finds a libclang, and that parses C with standard headers.
    Libclang,
    /// There are certificates where OpenSSL looks for them.
    Certificates,
}

/// What a library's probe compiles.
#[derive(Debug)]
pub struct Library {
    /// The C program; what it prints is the library's version.
    pub source: &'static str,
    /// The libraries to link, each set an alternative to the one before.
    pub links: &'static [&'static [&'static str]],
}

/// The packages that hold a dependency, for each package manager.
#[derive(Debug)]
pub struct Packages {
    apt: &'static [&'static str],
    dnf: &'static [&'static str],
    pacman: &'static [&'static str],
    apk: &'static [&'static str],
    brew: &'static [&'static str],
}

impl Packages {
    /// Packages that have the same names everywhere.
    const fn same(names: &'static [&'static str]) -> Packages {
        Packages { apt: names, dnf: names, pacman: names, apk: names, brew: names }
    }

    /// Those of one package manager.
    pub fn of(&self, manager: Manager) -> &'static [&'static str] {
        match manager {
            Manager::Apt => self.apt,
            Manager::Dnf => self.dnf,
            Manager::Pacman => self.pacman,
            Manager::Apk => self.apk,
            Manager::Brew => self.brew,
        }
    }
}

/// Every dependency, in the order in which reports name them.
pub static CATALOGUE: &[Dependency] = &[
    Dependency {
        name: "c compiler",
        kind: Kind::Build,
        modules: &[],
        purpose: "compiles the interpreter and the hook",
        probe: Probe::Compiler,
        packages: Packages {
            // With `--no-install-recommends`, gcc comes without the headers of libc.
            apt: &["gcc", "libc6-dev"],
            dnf: &["gcc"],
            pacman: &["gcc"],
            apk: &["gcc", "musl-dev"],
            brew: &["gcc"],
        },
    },
    Dependency {
        name: "make",
        kind: Kind::Build,
        modules: &[],
        purpose: "runs CPython's makefile",
        probe: Probe::Program("make"),
        packages: Packages::same(&["make"]),
    },
    Dependency {
        name: "zlib",
        kind: Kind::Build,
        modules: &["zlib"],
        purpose: "`zlib`, without which pip does not start",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <zlib.h>\n\
                     int main(void) { return puts(zlibVersion()) < 0; }\n",
            links: &[&["z"]],
        }),
        packages: Packages {
            apt: &["zlib1g-dev"],
            dnf: &["zlib-devel"],
            pacman: &["zlib"],
            apk: &["zlib-dev"],
            brew: &["zlib"],
        },
    },
    Dependency {
        name: "libclang",
        kind: Kind::Build,
        modules: &[],
        purpose: "bindgen reads CPython's headers with it",
        probe: Probe::Libclang,
        packages: Packages {
            // The library alone (`libclang1-NN`) lacks clang's own headers, `stddef.h` among them,
            // and has a number in its name.
            apt: &["libclang-dev"],
            // Holds both; `clang-devel` would add the compiler and its tools.
            dnf: &["clang-libs"],
            pacman: &["clang"],
            // musl brings a `stddef.h` of its own.
            apk: &["clang-libclang"],
            brew: &["llvm"],
        },
    },
    Dependency {
        name: "bz2",
        kind: Kind::Module,
        modules: &["bz2"],
        purpose: "`bz2`",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <bzlib.h>\n\
                     int main(void) { return puts(BZ2_bzlibVersion()) < 0; }\n",
            links: &[&["bz2"]],
        }),
        packages: Packages {
            apt: &["libbz2-dev"],
            dnf: &["bzip2-devel"],
            pacman: &["bzip2"],
            apk: &["bzip2-dev"],
            brew: &["bzip2"],
        },
    },
    Dependency {
        name: "ssl",
        kind: Kind::Module,
        modules: &["_ssl", "_hashlib"],
        purpose: "`_ssl` and `_hashlib`: https, and with it pip's index",
        // OpenSSL 0.9.7 to 3: `Modules/_ssl.c` of 2.7.18 compiles with 3.0, deprecations aside.
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <openssl/ssl.h>\n#include <openssl/crypto.h>\n\
                     int main(void) {\n\
                     \x20   if (!SSL_CTX_new(SSLv23_client_method())) return 1;\n\
                     \x20   return puts(SSLeay_version(SSLEAY_VERSION)) < 0;\n\
                     }\n",
            links: &[&["ssl", "crypto"]],
        }),
        packages: Packages {
            apt: &["libssl-dev"],
            dnf: &["openssl-devel"],
            pacman: &["openssl"],
            apk: &["openssl-dev"],
            brew: &["openssl@3"],
        },
    },
    Dependency {
        name: "sqlite3",
        kind: Kind::Module,
        modules: &["_sqlite3"],
        purpose: "`_sqlite3`",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <sqlite3.h>\n\
                     int main(void) { return puts(sqlite3_libversion()) < 0; }\n",
            links: &[&["sqlite3"]],
        }),
        packages: Packages {
            apt: &["libsqlite3-dev"],
            dnf: &["sqlite-devel"],
            pacman: &["sqlite"],
            apk: &["sqlite-dev"],
            brew: &["sqlite"],
        },
    },
    Dependency {
        name: "readline",
        kind: Kind::Module,
        modules: &["readline"],
        purpose: "`readline`: editing at the prompt",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <readline/readline.h>\n\
                     #include <readline/history.h>\n\
                     int main(void) { using_history(); return puts(rl_library_version) < 0; }\n",
            links: &[&["readline"]],
        }),
        packages: Packages {
            apt: &["libreadline-dev"],
            dnf: &["readline-devel"],
            pacman: &["readline"],
            apk: &["readline-dev"],
            brew: &["readline"],
        },
    },
    Dependency {
        name: "ffi",
        kind: Kind::Module,
        // None: without it `_ctypes` is built on the copy in `Modules/_ctypes/libffi`.
        modules: &[],
        purpose: "`_ctypes` on the system's libffi, not on CPython's old copy",
        probe: Probe::Library(Library {
            source: "#include <ffi.h>\n\
                     int main(void) {\n\
                     \x20   void *code;\n\
                     \x20   return !ffi_closure_alloc(sizeof(ffi_closure), &code);\n\
                     }\n",
            links: &[&["ffi"]],
        }),
        packages: Packages {
            apt: &["libffi-dev"],
            dnf: &["libffi-devel"],
            pacman: &["libffi"],
            apk: &["libffi-dev"],
            brew: &["libffi"],
        },
    },
    Dependency {
        name: "ncurses",
        kind: Kind::Module,
        modules: &["_curses", "_curses_panel"],
        purpose: "`_curses` and `_curses_panel`",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <curses.h>\n#include <panel.h>\n\
                     int main(void) { update_panels(); return puts(curses_version()) < 0; }\n",
            links: &[&["panelw", "ncursesw"], &["panel", "ncurses"]],
        }),
        packages: Packages {
            apt: &["libncurses-dev"],
            dnf: &["ncurses-devel"],
            pacman: &["ncurses"],
            apk: &["ncurses-dev"],
            brew: &["ncurses"],
        },
    },
    Dependency {
        name: "certificates",
        kind: Kind::Module,
        modules: &[],
        purpose: "https: servers are checked against them",
        probe: Probe::Certificates,
        packages: Packages::same(&["ca-certificates"]),
    },
    Dependency {
        name: "git",
        kind: Kind::Tests,
        modules: &[],
        purpose: "serves the repositories that the tests fetch",
        probe: Probe::Program("git"),
        packages: Packages::same(&["git"]),
    },
    Dependency {
        name: "patch",
        kind: Kind::Tests,
        modules: &[],
        purpose: "a test applies the series with it",
        probe: Probe::Program("patch"),
        packages: Packages {
            apt: &["patch"],
            dnf: &["patch"],
            pacman: &["patch"],
            apk: &["patch"],
            brew: &["gpatch"],
        },
    },
    Dependency {
        name: "gdbm",
        kind: Kind::Extra,
        modules: &["gdbm"],
        purpose: "`gdbm`",
        probe: Probe::Library(Library {
            source: "#include <stdio.h>\n#include <gdbm.h>\n\
                     int main(void) { return puts(gdbm_version) < 0; }\n",
            links: &[&["gdbm"]],
        }),
        packages: Packages {
            apt: &["libgdbm-dev"],
            dnf: &["gdbm-devel"],
            pacman: &["gdbm"],
            apk: &["gdbm-dev"],
            brew: &["gdbm"],
        },
    },
    Dependency {
        name: "db",
        kind: Kind::Extra,
        modules: &["_bsddb"],
        purpose: "`_bsddb`",
        probe: Probe::Library(Library {
            // `setup.py` takes 4.3 to 5.3 (`min_db_ver`, `max_db_ver`).
            source: "#include <stdio.h>\n#include <db.h>\n\
                     #if DB_VERSION_MAJOR > 5\n#error too new\n#endif\n\
                     int main(void) { return puts(db_version(0, 0, 0)) < 0; }\n",
            links: &[&["db"], &["db-5.3"]],
        }),
        packages: Packages {
            apt: &["libdb-dev"],
            dnf: &["libdb-devel"],
            pacman: &["db5.3"],
            apk: &["db-dev"],
            brew: &["berkeley-db@5"],
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_manager_has_packages() {
        let all = [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Apk, Manager::Brew];
        for (i, row) in CATALOGUE.iter().enumerate() {
            assert!(!CATALOGUE[..i].iter().any(|d| d.name == row.name), "{} twice", row.name);
            for manager in all {
                assert!(!row.packages.of(manager).is_empty(), "{} {manager:?}", row.name);
            }
        }
    }

    #[test]
    fn a_purpose_names_its_modules() {
        for row in CATALOGUE {
            for module in row.modules {
                assert!(row.purpose.contains(&format!("`{module}`")), "{}", row.name);
            }
        }
    }
}
