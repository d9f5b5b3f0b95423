// SPDX-License-Identifier: Apache-2.0
//! SQL over the past: the door for clients of PostgreSQL, and what `/v1/query` asks in SQL.

mod ask;
mod gate;

use crate::config::Config;
use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wardroom_api::Api;
use wardroom_history::Past;
use wardroom_sql::{History, Options, SqlEngine, door};

/// Longest file of a certificate or key, in bytes.
const PEM_BYTES: u64 = 1024 * 1024;

/// SQL over the past of the configured data directory.
pub(crate) struct Sql(SqlEngine);

impl Sql {
    /// Over this past.
    pub(crate) fn over(config: &Config, past: Arc<Past>) -> Result<Sql> {
        let sql = &config.sql;
        let memory = usize::try_from(sql.memory.value).unwrap_or(usize::MAX);
        let options = Options { memory, statements: sql.statements.value, timeout: sql.timeout.value };
        let engine = SqlEngine::new(Arc::new(History::new(past)), options);
        Ok(Sql(engine.context("cannot start threads for SQL")?))
    }

    /// What answers SQL for `/v1/query`.
    pub(crate) fn for_api(&self) -> Option<Arc<dyn wardroom_api::Sql>> {
        Some(Arc::new(ask::Asked::new(self.0.clone(), tokio::runtime::Handle::current())))
    }

    /// Opens a door, where the configuration says so.
    pub(crate) async fn open_door(&self, config: &Config, api: &Api) -> Result<Door> {
        let sql = &config.sql;
        let Some(listen) = &sql.listen.value else { return Ok(Door(None)) };
        let tls = match (&sql.cert.value, &sql.key.value) {
            (Some(cert), Some(key)) => Some(Arc::new(tls(cert, key)?)),
            _ => None,
        };
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen} for SQL"))?;
        let address = listener.local_addr().context("cannot tell the address listened on for SQL")?;
        tracing::info!(%address, tls = tls.is_some(), "clients of PostgreSQL may connect");
        let options = door::Options { tls, connections: sql.connections.value, idle: sql.idle.value };
        let (stop, stopped) = oneshot::channel::<()>();
        let gate = Arc::new(gate::Keys::new(api.clone()));
        let serving = door::serve(listener, self.0.clone(), gate, options, async { drop(stopped.await) });
        Ok(Door(Some((stop, tokio::spawn(serving)))))
    }
}

/// A door that is open until it is closed, where there is one.
pub(crate) struct Door(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Door {
    /// Ends what is under way.
    pub(crate) async fn close(self) {
        let Some((stop, task)) = self.0 else { return };
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!("the door for SQL failed by a fault of the server: {error}");
        }
    }
}

fn pem(path: &Path) -> Result<Vec<u8>> {
    let about = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .with_context(about)?
        .take(PEM_BYTES)
        .read_to_end(&mut bytes)
        .with_context(about)?;
    Ok(bytes)
}

fn tls(cert: &Path, key: &Path) -> Result<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(&pem(cert)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is no certificate in PEM", cert.display()))?;
    let about = || format!("{} is no key in PEM", key.display());
    let secret = PrivateKeyDer::from_pem_slice(&pem(key)?).map_err(|_| anyhow::anyhow!(about()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    config
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(|| format!("{} and {} do not go together", cert.display(), key.display()))
}
