//! HTTP clients with the limits that keep a dead host cheap.
//!
//! `http_proxy`, `https_proxy` and `no_proxy` are ureq's doing.

use std::time::Duration;

use anyhow::{Context, Result};
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
    if let Some(proxy) = proxy {
        let parsed =
            Proxy::new(proxy).with_context(|| format!("cannot use the proxy `{proxy}`"))?;
        config = config.proxy(Some(parsed));
    }
    Ok(config.build().new_agent())
}
