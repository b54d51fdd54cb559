//! Downloads one pinned archive into the cache.
//!
//! The bytes are hashed as they arrive under the name `NAME.part`; the file gets its final name
//! when size and hash are right. What a failed transfer leaves is where the next one goes on,
//! whichever server that asks: all serve the same bytes, and the hash tells if one did not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use ureq::http::{Response, StatusCode};

use super::cache::Cache;
use super::verify::feed;
use crate::digest::hex;
use crate::pins::Archive;

/// Requests for one address, as long as each brings something new.
const REQUESTS: u32 = 5;

/// Downloads `archive` from `url` into `cache`; `progress` is called with the bytes so far.
pub fn download(
    agent: &Agent,
    url: &str,
    archive: &Archive,
    cache: &Cache,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let mut partial = Partial::open(cache.partial(archive))?;
    let mut fault = anyhow!("no bytes came");
    for _ in 0..REQUESTS {
        let before = partial.size;
        if archive.size != Some(partial.size) {
            match transfer(agent, url, archive, &mut partial, progress)? {
                Transfer::Ended => {}
                Transfer::Cut(error) if partial.size != before => {
                    fault = error;
                    continue;
                }
                Transfer::Cut(error) => return Err(error),
            }
        }
        let sha256 = hex(partial.hasher.clone());
        if sha256 == archive.sha256 {
            return partial.finish(cache.path(archive));
        }
        fault = anyhow!("the file has sha256 `{sha256}`, pinned is `{}`", archive.sha256);
        if !partial.joined {
            partial.restart()?;
            break;
        }
        // One of the pieces was wrong; only a whole transfer shows whose.
        partial.restart()?;
    }
    Err(fault)
}

/// How a transfer came to its end; a failure to begin is an error.
enum Transfer {
    /// All bytes are there, right or wrong.
    Ended,
    /// More can be had by asking again.
    Cut(anyhow::Error),
}

fn transfer(
    agent: &Agent,
    url: &str,
    archive: &Archive,
    partial: &mut Partial,
    progress: &dyn Fn(u64),
) -> Result<Transfer> {
    let mut request = agent.get(url);
    if partial.size > 0 {
        request = request.header(RANGE, format!("bytes={}-", partial.size));
    }
    let response = request.call()?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(partial.size) => {
            partial.joined = true;
        }
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            partial.restart()?;
            return Ok(Transfer::Cut(anyhow!("the server sent another range than asked for")));
        }
        StatusCode::OK => {
            partial.restart()?;
            let offered = header(&response, CONTENT_LENGTH.as_str())
                .and_then(|length| length.parse::<u64>().ok());
            if let (Some(offered), Some(pinned)) = (offered, archive.size)
                && offered != pinned
            {
                bail!("the server has a file of {offered} bytes, pinned are {pinned}");
            }
        }
        status => bail!("the server answers `{status}`"),
    }
    let mut body = response.into_body().into_reader().take(archive.limit() - partial.size + 1);
    let end = feed(&mut body, |bytes| {
        partial.append(bytes)?;
        progress(partial.size);
        Ok(())
    });
    if partial.size > archive.limit() {
        partial.restart()?;
        bail!("the server sends more than {} bytes", archive.limit());
    }
    Ok(match (end, archive.size) {
        (Err(error), _) => Transfer::Cut(error.into()),
        (Ok(()), Some(pinned)) if partial.size < pinned => {
            Transfer::Cut(anyhow!("the transfer ended after {} of {pinned} bytes", partial.size))
        }
        _ => Transfer::Ended,
    })
}

fn header<'r>(response: &'r Response<ureq::Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// The first offset of `Content-Range: bytes 5-9/10`.
fn range_start(response: &Response<ureq::Body>) -> Option<u64> {
    let range = header(response, CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}

/// The file that grows, and the hash of what is in it.
struct Partial {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    size: u64,
    /// Whether the bytes come from more than one response.
    joined: bool,
}

impl Partial {
    fn open(path: PathBuf) -> Result<Partial> {
        let mut hasher = Sha256::new();
        let mut size = 0;
        let mut open = || -> io::Result<File> {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            feed(&mut file, |bytes| {
                hasher.update(bytes);
                size += bytes.len() as u64;
                Ok(())
            })?;
            Ok(file)
        };
        let file = open().with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Partial { path, file, hasher, size, joined: size > 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .with_context(|| format!("cannot empty `{}`", self.path.display()))?;
        self.hasher = Sha256::new();
        self.size = 0;
        self.joined = false;
        Ok(())
    }

    fn finish(self, path: PathBuf) -> Result<()> {
        fs::rename(&self.path, &path)
            .with_context(|| format!("cannot rename `{}`", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::{Answer, Server};
    use crate::source::http;
    use tempfile::TempDir;

    struct Case {
        dir: TempDir,
        bytes: Vec<u8>,
        sha256: String,
        sized: bool,
    }

    impl Case {
        fn new() -> Case {
            let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
            let sha256 = hex(Sha256::new_with_prefix(&bytes));
            Case { dir: tempfile::tempdir().unwrap(), bytes, sha256, sized: true }
        }

        fn archive(&self) -> Archive<'_> {
            let size = self.sized.then_some(self.bytes.len() as u64);
            Archive { name: "x.tgz", sha256: &self.sha256, size }
        }

        /// Downloads from a server that gives these answers; returns the requests too.
        fn run(&self, answers: Vec<Answer>) -> (Result<()>, Vec<String>) {
            let server = Server::start(answers);
            let cache = Cache::open(self.dir.path(), || {}).unwrap();
            let agent = http::agent(None).unwrap();
            let url = server.url("/x.tgz");
            let result = download(&agent, &url, &self.archive(), &cache, &|_| {});
            if result.is_ok() {
                assert_eq!(fs::read(cache.path(&self.archive())).unwrap(), self.bytes);
                assert!(!cache.partial(&self.archive()).exists());
            } else {
                assert!(!cache.path(&self.archive()).exists());
            }
            (result, server.requests())
        }

        fn part(&self) -> Vec<u8> {
            fs::read(self.dir.path().join("x.tgz.part")).unwrap()
        }
    }

    fn error(result: Result<()>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn a_whole_file_arrives() {
        let case = Case::new();
        let (result, requests) = case.run(vec![Answer::whole(&case.bytes)]);
        result.unwrap();
        assert!(requests[0].starts_with("GET /x.tgz HTTP/1.1"), "{requests:?}");
    }

    #[test]
    fn a_cut_transfer_goes_on_where_it_ended() {
        let case = Case::new();
        let answers =
            vec![Answer::whole(&case.bytes).cut(70_000), Answer::range(&case.bytes, 70_000)];
        let (result, requests) = case.run(answers);
        result.unwrap();
        assert!(requests[1].to_lowercase().contains("range: bytes=70000-"), "{requests:?}");
    }

    #[test]
    fn another_run_goes_on_where_the_last_ended() {
        let case = Case::new();
        let cut = Answer::whole(&case.bytes).cut(70_000);
        let gone = || Answer::status("503 Service Unavailable");
        let (result, _) = case.run(vec![cut, gone()]);
        assert!(error(result).contains("503"));
        assert_eq!(case.part(), &case.bytes[..70_000]);
        let (result, requests) = case.run(vec![Answer::range(&case.bytes, 70_000)]);
        result.unwrap();
        assert_eq!(requests.len(), 1);
    }

    #[test]
    fn a_server_that_ignores_the_range_starts_anew() {
        let case = Case::new();
        fs::write(case.dir.path().join("x.tgz.part"), "other bytes").unwrap();
        case.run(vec![Answer::whole(&case.bytes)]).0.unwrap();
    }

    #[test]
    fn a_wrong_beginning_is_fetched_again() {
        let case = Case::new();
        fs::write(case.dir.path().join("x.tgz.part"), "other bytes").unwrap();
        let answers = vec![Answer::range(&case.bytes, 11), Answer::whole(&case.bytes)];
        let (result, requests) = case.run(answers);
        result.unwrap();
        assert!(!requests[1].to_lowercase().contains("range:"), "{requests:?}");
    }

    #[test]
    fn a_range_that_the_server_refuses_starts_anew() {
        let mut case = Case::new();
        case.sized = false;
        fs::write(case.dir.path().join("x.tgz.part"), &case.bytes).unwrap();
        let answers = vec![Answer::status("416 Range Not Satisfiable"), Answer::whole(&case.bytes)];
        case.run(answers).0.unwrap();
    }

    #[test]
    fn a_finished_part_needs_no_request() {
        let case = Case::new();
        fs::write(case.dir.path().join("x.tgz.part"), &case.bytes).unwrap();
        assert_eq!(case.run(vec![]).1.len(), 0);
    }

    #[test]
    fn a_wrong_hash_is_refused_and_leaves_no_bytes() {
        let case = Case::new();
        let mut wrong = case.bytes.clone();
        wrong[100_000] ^= 1;
        let (result, requests) = case.run(vec![Answer::whole(&wrong)]);
        let message = error(result);
        assert!(message.contains(&case.sha256), "{message}");
        assert_eq!(requests.len(), 1);
        assert_eq!(case.part(), b"");
    }

    #[test]
    fn too_many_bytes_are_cut_off() {
        let case = Case::new();
        let mut more = case.bytes.clone();
        more.extend(b"more");
        // RingPacket by its length, or found out.
        let (result, _) = case.run(vec![Answer::whole(&more)]);
        assert!(error(result).contains("200004"));
        let (result, _) = case.run(vec![Answer::whole(&more).without_length()]);
        assert!(error(result).contains("more than 200000"));
        assert_eq!(case.part(), b"");
    }

    #[test]
    fn a_missing_file_and_a_dead_port_fail_at_once() {
        let case = Case::new();
        let (result, requests) = case.run(vec![Answer::status("404 Not Found")]);
        assert!(error(result).contains("404 Not Found"));
        assert_eq!(requests.len(), 1);

        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let cache = Cache::open(case.dir.path(), || {}).unwrap();
        let agent = http::agent(None).unwrap();
        let url = format!("http://{free}/x.tgz");
        download(&agent, &url, &case.archive(), &cache, &|_| {}).unwrap_err();
    }

    #[test]
    fn a_server_that_cuts_each_time_ends() {
        let case = Case::new();
        let answers = (0..REQUESTS as usize)
            .map(|i| Answer::range(&case.bytes, i * 1_000).cut(1_000))
            .collect::<Vec<_>>();
        let mut answers = answers;
        answers[0] = Answer::whole(&case.bytes).cut(1_000);
        let (result, requests) = case.run(answers);
        error(result);
        assert_eq!(requests.len(), REQUESTS as usize);
        assert_eq!(case.part().len(), REQUESTS as usize * 1_000);
    }
}
