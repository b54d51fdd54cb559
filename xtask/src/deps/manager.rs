//! The system's package manager: which one it is, and its command lines.
//!
//! Runs nothing but `id`; the commands are run by `install`.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::probe::on_path;

/// A package manager that we know how to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Debian, Ubuntu and what comes of them.
    Apt,
    /// Fedora, RHEL and what comes of them.
    Dnf,
    /// Arch Linux.
    Pacman,
    /// Alpine Linux.
    Apk,
    /// Homebrew, on macOS or Linux.
    Brew,
}

/// In the order in which they are taken where the system does not say which is its own. Homebrew
/// is last: on Linux it is a guest, on macOS nothing else is there.
const ALL: [Manager; 5] =
    [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Apk, Manager::Brew];

/// Who installs packages on this machine, and with which rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// The package manager, if there is one that we know.
    pub manager: Option<Manager>,
    /// Whether this process is root's.
    pub root: bool,
    /// Whether `sudo` is there.
    pub sudo: bool,
    /// Whether the package manager knows what there is to install. A fresh container's apt does not.
    pub lists: bool,
}

/// A command that installs packages. Its text is what is run, fit for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallCommand {
    /// Installs the packages.
    pub install: Vec<String>,
    /// Fetches the lists of packages, for managers that do not do that by themselves.
    pub refresh: Option<Vec<String>>,
    /// Whether nothing can be installed before that.
    pub refresh_first: bool,
    /// Whether this process may run it: it is root's, or `sudo` is there, or no one need be root.
    pub allowed: bool,
}

impl Manager {
    /// The program's name, on `PATH` and in messages.
    pub fn program(self) -> &'static str {
        match self {
            Manager::Apt => "apt-get",
            Manager::Dnf => "dnf",
            Manager::Pacman => "pacman",
            Manager::Apk => "apk",
            Manager::Brew => "brew",
        }
    }

    /// The words before the packages' names. None of them asks a question.
    fn install(self) -> &'static [&'static str] {
        match self {
            // `env`, because sudo does not pass the variable on.
            Manager::Apt => &[
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "-y",
                "--no-install-recommends",
            ],
            Manager::Dnf => &["dnf", "install", "-y"],
            Manager::Pacman => &["pacman", "-S", "--noconfirm", "--needed"],
            Manager::Apk => &["apk", "add", "--update-cache"],
            Manager::Brew => &["brew", "install"],
        }
    }

    /// dnf, apk (as we call it) and brew refresh their lists by themselves; for pacman, refreshing
    /// without a full upgrade (`pacman -Syu`) breaks systems, and that is not ours to start.
    fn refresh(self) -> Option<&'static [&'static str]> {
        match self {
            Manager::Apt => Some(&["apt-get", "update"]),
            Manager::Dnf | Manager::Pacman | Manager::Apk | Manager::Brew => None,
        }
    }

    /// Homebrew refuses to run as root.
    fn wants_root(self) -> bool {
        self != Manager::Brew
    }
}

impl Host {
    /// Looks at this machine.
    pub fn detect() -> Host {
        // os-release(5): the second is the fallback for the first.
        let os_release = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
            .unwrap_or_default();
        let manager = choose(&os_release, &|program| on_path(program).is_some());
        let id = Command::new("id").arg("-u").output();
        Host {
            manager,
            root: id.is_ok_and(|output| output.stdout.trim_ascii() == b"0"),
            sudo: on_path("sudo").is_some(),
            lists: manager != Some(Manager::Apt) || has_lists(Path::new("/var/lib/apt/lists")),
        }
    }
}

/// Whether apt's folder of lists holds one of packages, compressed or not.
fn has_lists(folder: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(folder) else { return false };
    entries.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// The distribution's own package manager if it is there, else the first that is.
fn choose(os_release: &str, there: &dyn Fn(&str) -> bool) -> Option<Manager> {
    distributions(os_release).filter_map(own).chain(ALL).find(|manager| there(manager.program()))
}

/// `ID`, then the words of `ID_LIKE`, which name the closest relative first (os-release(5)).
fn distributions(os_release: &str) -> impl Iterator<Item = &str> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_default().trim_matches(['"', '\''])
    };
    value("ID=").split_whitespace().chain(value("ID_LIKE=").split_whitespace())
}

fn own(distribution: &str) -> Option<Manager> {
    match distribution {
        "debian" | "ubuntu" => Some(Manager::Apt),
        "fedora" | "rhel" | "centos" => Some(Manager::Dnf),
        "arch" => Some(Manager::Pacman),
        "alpine" => Some(Manager::Apk),
        _ => None,
    }
}

impl InstallCommand {
    /// The command for `packages` on `host`.
    pub fn new(host: Host, manager: Manager, packages: &[&str]) -> InstallCommand {
        let words = |words: &[&str], packages: &[&str]| {
            let sudo = manager.wants_root() && !host.root && host.sudo;
            let sudo = if sudo { &["sudo"][..] } else { &[] };
            [sudo, words, packages].concat().into_iter().map(str::to_owned).collect()
        };
        InstallCommand {
            install: words(manager.install(), packages),
            refresh: manager.refresh().map(|refresh| words(refresh, &[])),
            refresh_first: !host.lists,
            allowed: host.root || host.sudo || !manager.wants_root(),
        }
    }
}

impl fmt::Display for InstallCommand {
    // No word of ours needs quoting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(refresh) = self.refresh.as_ref().filter(|_| self.refresh_first) {
            write!(f, "{} && ", refresh.join(" "))?;
        }
        f.write_str(&self.install.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(os_release: &str, there: &[&str]) -> Option<Manager> {
        choose(os_release, &|program| there.contains(&program))
    }

    #[test]
    fn the_distributions_own_manager_goes_first() {
        let fedora = "NAME=\"Fedora Linux\"\nVERSION_ID=41\nID=fedora\n";
        assert_eq!(chosen(fedora, &["apt-get", "dnf", "brew"]), Some(Manager::Dnf));
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        assert_eq!(chosen(mint, &["brew", "apt-get"]), Some(Manager::Apt));
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        assert_eq!(chosen(rocky, &["dnf"]), Some(Manager::Dnf));
        assert_eq!(chosen("ID='arch'", &["pacman"]), Some(Manager::Pacman));
        assert_eq!(chosen("ID=alpine", &["apk"]), Some(Manager::Apk));
    }

    #[test]
    fn version_id_is_not_id() {
        assert_eq!(distributions("VERSION_ID=\"12\"\nID=debian\n").collect::<Vec<_>>(), ["debian"]);
    }

    #[test]
    fn otherwise_what_is_there() {
        assert_eq!(chosen("", &["brew"]), Some(Manager::Brew));
        assert_eq!(chosen("ID=debian", &["brew", "apk"]), Some(Manager::Apk));
        assert_eq!(chosen("ID=slackware", &[]), None);
    }

    fn command(manager: Manager, root: bool, sudo: bool) -> InstallCommand {
        let host = Host { manager: Some(manager), root, sudo, lists: true };
        InstallCommand::new(host, manager, &["a", "b"])
    }

    #[test]
    fn the_commands() {
        let lines = ALL.map(|manager| command(manager, true, false).to_string());
        assert_eq!(
            lines,
            [
                "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends a b",
                "dnf install -y a b",
                "pacman -S --noconfirm --needed a b",
                "apk add --update-cache a b",
                "brew install a b",
            ]
        );
    }

    #[test]
    fn sudo_where_it_is_needed_and_there() {
        let user = command(Manager::Apt, false, true);
        assert!(user.to_string().starts_with("sudo env DEBIAN_FRONTEND=noninteractive apt-get "));
        assert_eq!(user.refresh.unwrap(), ["sudo", "apt-get", "update"]);
        assert!(user.allowed);
        assert_eq!(command(Manager::Dnf, false, true).to_string(), "sudo dnf install -y a b");
        assert_eq!(command(Manager::Dnf, true, true).to_string(), "dnf install -y a b");
        assert_eq!(command(Manager::Brew, false, true).to_string(), "brew install a b");
        let stuck = command(Manager::Dnf, false, false);
        assert_eq!((stuck.to_string().as_str(), stuck.allowed), ("dnf install -y a b", false));
        assert!(command(Manager::Brew, false, false).allowed);
    }

    #[test]
    fn without_lists_they_come_first() {
        let host = Host { manager: Some(Manager::Apt), root: true, sudo: false, lists: false };
        let command = InstallCommand::new(host, Manager::Apt, &["a"]);
        assert!(command.to_string().starts_with("apt-get update && env DEBIAN_FRONTEND="));
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_lists(folder.path()));
        fs::write(folder.path().join("mirror_dists_stable_main_Packages.lz4"), "").unwrap();
        assert!(has_lists(folder.path()));
    }
}
