//! For tests: a tiny release in every form, and a server on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use git2::{ObjectType, Oid, Repository, Signature, Time};
use sha2::{Digest, Sha256};
use tar::EntryType;

use crate::digest::hex;
use crate::pins::{Archive, Blob, Release};

/// The tree's files; the second has line endings that must survive, the first is executable.
const FILES: [(&str, &str); 2] =
    [("configure", "#!/bin/sh\n"), ("Include/patchlevel.h", "#define X\r\n")];

/// By `git hash-object --no-filters`.
const BLOBS: [Blob<'static>; 2] = [
    Blob { path: "configure", id: "1a2485251c33a70432394c93fb89330ef214bfc9" },
    Blob { path: "Include/patchlevel.h", id: "74344efaaf92a083d8bc198593abaeb6297bd079" },
];

/// The last of two commits of [`repository`].
pub const COMMIT: &str = "83a9d1c14765a5eb29dcc3bae2ba858952586ef7";

/// A release of the tiny tree; its remote addresses are empty.
pub fn release<'a>(archives: &'a [Archive<'a>]) -> Release<'a> {
    Release {
        version: "0",
        tag: "v0",
        commit: COMMIT,
        repository: "",
        download: "",
        debian: "pool/x.orig.tar.gz",
        archives,
        blobs: &BLOBS,
        leftovers: &["Makefile"],
        modified: 1_000_000,
    }
}

/// Writes the tiny tree into `root`.
pub fn write_tree(root: &Path) {
    for (name, text) in FILES {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::set_permissions(root.join("configure"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The tiny tree as a tar file with the top folder `top`.
pub fn tar(top: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    write_tree(dir.path());
    let mut builder = tar::Builder::new(Vec::new());
    builder.mode(tar::HeaderMode::Deterministic);
    builder.append_dir_all(top, dir.path()).unwrap();
    builder.into_inner().unwrap()
}

/// An entry of a tar file as hostile as wanted: name, kind, and where a link leads. Names go into
/// the header unchecked.
pub struct Entry(pub &'static str, pub EntryType, pub &'static str);

/// A tar file of these entries, all empty.
pub fn tar_of(entries: &[Entry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for Entry(name, kind, link) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Compresses.
pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The tiny release's archive and its hash.
pub fn tgz() -> (Vec<u8>, String) {
    hashed(gz(&tar("Python-0")))
}

/// An archive and its hash.
pub fn hashed(bytes: Vec<u8>) -> (Vec<u8>, String) {
    let sha256 = hex(Sha256::new_with_prefix(&bytes));
    (bytes, sha256)
}

/// A repository of the tiny tree at `path`, with this number of commits, the last one tagged `v0`.
pub fn repository(path: &Path, commits: u32) -> Oid {
    let dir = tempfile::tempdir().unwrap();
    write_tree(dir.path());
    repository_of(dir.path(), path, commits)
}

/// [`repository`] of another tree with the same file names.
pub fn repository_of(tree: &Path, path: &Path, commits: u32) -> Oid {
    let repository = Repository::init(path).unwrap();
    let blob = |name: &str| repository.blob(&fs::read(tree.join(name)).unwrap()).unwrap();
    let mut include = repository.treebuilder(None).unwrap();
    include.insert("patchlevel.h", blob("Include/patchlevel.h"), 0o100_644).unwrap();
    let mut top = repository.treebuilder(None).unwrap();
    top.insert("configure", blob("configure"), 0o100_755).unwrap();
    top.insert("Include", include.write().unwrap(), 0o040_000).unwrap();
    let top = repository.find_tree(top.write().unwrap()).unwrap();
    let who = Signature::new("a", "a@mirror.example", &Time::new(0, 0)).unwrap();
    let mut last = None;
    for number in 0..commits {
        let parent = last.map(|id| repository.find_commit(id).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let message = format!("commit {number}\n");
        last = Some(repository.commit(Some("HEAD"), &who, &who, &message, &top, &parents).unwrap());
    }
    let last = last.unwrap();
    let object = repository.find_object(last, Some(ObjectType::Commit)).unwrap();
    repository.tag("v0", &object, &who, "release\n", false).unwrap();
    last
}

/// What the server says to one request.
#[derive(Clone)]
pub enum Answer {
    /// A head, a body of which so much is sent before the connection is closed.
    Bytes { head: String, body: Vec<u8>, sent: usize },
    /// Git's smart protocol for the repository at this path, as many requests as it takes.
    Git(PathBuf),
}

impl Answer {
    fn new(status: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        Answer::Bytes { head, body: body.to_owned(), sent: length }
    }

    /// `200 OK` and the whole body.
    pub fn whole(body: &[u8]) -> Answer {
        Answer::new("200 OK", "", body)
    }

    /// `206 Partial Content` from `start` on.
    pub fn range(body: &[u8], start: usize) -> Answer {
        let (last, length) = (body.len() - 1, body.len());
        let range = format!("Content-Range: bytes {start}-{last}/{length}\r\n");
        Answer::new("206 Partial Content", &range, &body[start..])
    }

    /// A status without a body.
    pub fn status(status: &str) -> Answer {
        Answer::new(status, "", b"")
    }

    /// `302 Found`.
    pub fn redirect(to: &str) -> Answer {
        Answer::new("302 Found", &format!("Location: {to}\r\n"), b"")
    }

    /// The same, but the connection ends after so much of the body.
    pub fn cut(mut self, at: usize) -> Answer {
        if let Answer::Bytes { sent, .. } = &mut self {
            *sent = at;
        }
        self
    }

    /// The same, but the end of the connection is the only sign of its length.
    pub fn without_length(mut self) -> Answer {
        if let Answer::Bytes { head, .. } = &mut self {
            head.truncate(head.find("Content-Length").unwrap());
        }
        self
    }

    fn send(&self, request: &str, body: &[u8], to: &mut TcpStream) -> std::io::Result<()> {
        let answer = match self {
            Answer::Git(path) => git(path, request, body),
            other => other.clone(),
        };
        if let Answer::Bytes { head, body, sent } = answer {
            write!(to, "{head}Connection: close\r\n\r\n")?;
            to.write_all(&body[..sent])?;
        }
        Ok(())
    }
}

/// Answers as git's `http-backend` does.
fn git(path: &Path, request: &str, body: &[u8]) -> Answer {
    let refs = request.starts_with("GET ") && request.contains("/info/refs?");
    let mut command = Command::new("git");
    command.args(["upload-pack", "--stateless-rpc"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if refs {
        command.arg("--advertise-refs");
    }
    let mut child = command.arg(path).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let kind = if refs { "advertisement" } else { "result" };
    let service: &[u8] = if refs { b"001e# service=git-upload-pack\n0000" } else { b"" };
    let headers = format!("Content-Type: application/x-git-upload-pack-{kind}\r\n");
    Answer::new("200 OK", &headers, &[service, &output].concat())
}

/// A server that gives its answers in order, then `500`; one request for each connection.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts on a free port.
    pub fn start(answers: Vec<Answer>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (record, stopped) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut answers = answers.into_iter().peekable();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let (request, body) = read_request(&mut stream);
                record.lock().unwrap().push(request.clone());
                let talks_git = request.contains("git-upload-pack");
                if !talks_git {
                    answers.next_if(|answer| matches!(answer, Answer::Git(_)));
                }
                let answer = match answers.peek() {
                    Some(git @ Answer::Git(_)) => git.clone(),
                    _ => answers.next().unwrap_or_else(|| Answer::status("500 No Answer Left")),
                };
                // The client may have hung up, on purpose.
                let _ = answer.send(&request, &body, &mut stream);
            }
        });
        Server { address, requests, stop, thread: Some(thread) }
    }

    /// The address of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}
