//! HTTP clients with the limits that keep a dead host cheap.
//!
//! `http_proxy`, `https_proxy` and `no_proxy` are ureq's doing; `SSL_CERT_FILE` is ours: behind
//! a proxy that ends TLS, the machine's certificates are the ones to trust.

use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

/// To find and reach a host.
const REACH: Duration = Duration::from_secs(5);
/// Without a byte moving.
const STALL: Duration = Duration::from_secs(10);
/// GitHub serves git's protocol to clients that begin with `git/`.
const NAME: &str = concat!("git/2.0 (python27-traced ", env!("CARGO_PKG_VERSION"), ")");

/// A client; `proxy` is an address that goes before those of the environment. A status of 400 or
/// more is a response to it, not an error.
pub fn agent(proxy: Option<&str>) -> Result<Agent> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(NAME)
        .timeout_resolve(Some(REACH))
        .timeout_connect(Some(REACH))
        .timeout_recv_response(Some(STALL))
        .timeout_per_read(Some(STALL))
        .timeout_per_write(Some(STALL));
    if let Some(roots) = roots() {
        let roots = RootCerts::new_with_certs(&roots);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    if let Some(proxy) = proxy {
        let parsed =
            Proxy::new(proxy).with_context(|| format!("cannot use the proxy `{proxy}`"))?;
        config = config.proxy(Some(parsed));
    }
    Ok(config.build().new_agent())
}

/// The certificates of the file that `SSL_CERT_FILE` names; without any, ureq's own serve.
fn roots() -> Option<Vec<Certificate<'static>>> {
    let pem = fs::read(env::var_os("SSL_CERT_FILE")?).ok()?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!roots.is_empty()).then_some(roots)
}
