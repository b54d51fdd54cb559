//! Git's smart HTTP protocol for libgit2, over ureq: libgit2's own HTTPS would need OpenSSL.
//!
//! Reading only, without credentials. The protocol is that of git's `gitprotocol-http`: one GET
//! for the refs, one POST for each round of the negotiation.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, Once, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{Error, ErrorClass, ErrorCode};
use ureq::http::Response;
use ureq::http::header::{ACCEPT, CONTENT_TYPE};
use ureq::{Agent, Body, BodyReader, ResponseExt};

use super::http;

const REFS: &str = "/info/refs?service=git-upload-pack";
const REFS_TYPE: &str = "application/x-git-upload-pack-advertisement";
const REQUEST_TYPE: &str = "application/x-git-upload-pack-request";
const RESULT_TYPE: &str = "application/x-git-upload-pack-result";

/// Makes libgit2 use this transport for `http` and `https`. To be called before a remote is used;
/// calls after the first do nothing.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for scheme in ["http", "https"] {
            // SAFETY: registering must not run beside the creation of a transport. `Once` keeps
            // it from running twice and makes others wait, and `git::fetch`, the only place
            // of this program that uses a remote, calls this function first.
            let registered = unsafe {
                git2::transport::register(scheme, |remote| {
                    Transport::smart(remote, true, Http::new().map_err(|e| failure(&e))?)
                })
            };
            registered.expect("libgit2 takes a scheme that nobody registered");
        }
    });
}

/// One connection of libgit2.
struct Http {
    agent: Agent,
    /// The repository's address after redirects, from the GET on.
    base: Arc<Mutex<Option<String>>>,
}

impl Http {
    fn new() -> anyhow::Result<Http> {
        Ok(Http { agent: http::agent(None)?, base: Arc::default() })
    }

    fn refs(&self, url: &str) -> anyhow::Result<BodyReader<'static>> {
        let response = self.agent.get(format!("{url}{REFS}")).header(ACCEPT, REFS_TYPE).call()?;
        let address = response.get_uri().to_string();
        let body = checked(response, REFS_TYPE)?;
        // Where a redirect led elsewhere, the POSTs go there too.
        let base = address.strip_suffix(REFS).unwrap_or(url).to_owned();
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
        Ok(body)
    }
}

impl SmartSubtransport for Http {
    fn action(
        &self,
        url: &str,
        action: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, Error> {
        let url = url.trim_end_matches('/');
        match action {
            Service::UploadPackLs => {
                let body = self.refs(url).map_err(|error| failure(&error))?;
                Ok(Box::new(Exchange::Response(body)))
            }
            Service::UploadPack => {
                let base = self.base.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let url = format!("{}/git-upload-pack", base.as_deref().unwrap_or(url));
                Ok(Box::new(Exchange::Request { agent: self.agent.clone(), url, body: vec![] }))
            }
            Service::ReceivePackLs | Service::ReceivePack => {
                Err(failure(&anyhow::anyhow!("this transport does not push")))
            }
        }
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A request that libgit2 writes, sent when it first reads.
enum Exchange {
    Request { agent: Agent, url: String, body: Vec<u8> },
    Response(BodyReader<'static>),
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Exchange::Request { body, .. } => body.write(bytes),
            Exchange::Response(_) => Err(io::Error::other("the request has been sent")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Exchange::Request { agent, url, body } = self {
            let response = post(agent, url, std::mem::take(body))
                .map_err(|error| io::Error::other(format!("{error:#}")))?;
            *self = Exchange::Response(response);
        }
        match self {
            Exchange::Response(body) => body.read(buffer),
            Exchange::Request { .. } => unreachable!("a request became a response above"),
        }
    }
}

fn post(agent: &Agent, url: &str, body: Vec<u8>) -> anyhow::Result<BodyReader<'static>> {
    // A POST that is redirected would lose its body.
    let response = agent
        .post(url)
        .config()
        .max_redirects(0)
        .build()
        .header(CONTENT_TYPE, REQUEST_TYPE)
        .header(ACCEPT, RESULT_TYPE)
        .send(body)?;
    checked(response, RESULT_TYPE)
}

fn checked(response: Response<Body>, kind: &str) -> anyhow::Result<BodyReader<'static>> {
    let status = response.status();
    anyhow::ensure!(status.is_success(), "the server answers `{status}`");
    let given = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    anyhow::ensure!(given == Some(kind), "the server is no git repository, as far as can be told");
    Ok(response.into_body().into_reader())
}

fn failure(error: &anyhow::Error) -> Error {
    // libgit2 keeps the message as a C string.
    Error::new(ErrorCode::GenericError, ErrorClass::Net, format!("{error:#}").replace('\0', " "))
}
