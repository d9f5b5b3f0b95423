// SPDX-License-Identifier: Apache-2.0
//! The doors for mail servers: opened as the configuration has them, and closed when the server stops.

use crate::config::MailDoor;
use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wardroom_api::{Api, mail};

/// Doors that are open until they are closed.
pub(crate) struct Doors(Vec<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Doors {
    /// Opens each door that is configured.
    pub(crate) async fn open(configured: &[MailDoor], api: &Api) -> Result<Doors> {
        let mut doors = Doors(Vec::new());
        for door in configured {
            let (listen, name) = (&door.listen, &door.options.name);
            let listener = TcpListener::bind(listen).await;
            let listener =
                listener.with_context(|| format!("cannot listen on {listen} for `[mail.{name}]`"))?;
            let address = listener.local_addr().context("cannot tell the address listened on for mail")?;
            tracing::info!(%address, door = %name, protocol = ?door.options.protocol, "mail servers may ask");
            let (stop, stopped) = oneshot::channel::<()>();
            let serving =
                mail::serve(listener, api.clone(), door.options.clone(), async { drop(stopped.await) });
            doors.0.push((stop, tokio::spawn(serving)));
        }
        Ok(doors)
    }

    /// Ends what is under way, at all doors at once.
    pub(crate) async fn close(self) {
        let (stops, tasks): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        drop(stops);
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!("a door for mail failed by a fault of the server: {error}");
            }
        }
    }
}
