// SPDX-License-Identifier: Apache-2.0
//! `wardroom demo`: a simulated provider under attack, judged by a real server over real HTTP.
//!
//! Nothing is left behind, unless `--keep` says where: the data directory is temporary and goes with the program, however
//! it ends. The detectors
//! in the shipped policy know nothing of the simulation; its ground truth is only compared with what they said.

mod board;
mod drive;
mod home;
mod proof;
mod view;

use crate::cli::Demo;
use crate::{clock, packs, policy_dir};
use anyhow::{Context, Result};
use board::Board;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use wardroom_api::{Api, Keys, Options, Role};
use wardroom_engine::Engine;
use wardroom_event::Micros;

pub(crate) async fn run(mut args: Demo) -> Result<ExitCode> {
    let bundle = match &args.policy {
        Some(dir) => policy_dir::load(dir)?,
        None => packs::shipped(),
    };
    crate::command::compile_or_say(&bundle)?;
    // Before there is anything to leave behind: from here on no signal but SIGKILL ends the demo at once.
    let stop = crate::command::leave_signal()?;
    // Made first and dropped last: whatever ends the demo, the directory goes with it.
    let (home, morning) = home::Home::make(&mut args, &bundle)?;
    // Events carry simulated times, and so must their arrival.
    let simulated = Arc::new(AtomicI64::new(morning.0));
    let config = wardroom_engine::Config::new(home.data());
    let (engine, _) = Engine::open(&config, Some(bundle), morning)?;
    engine.set_facts(Arc::new(wardroom_facts::Library::default()));
    let engine = Arc::new(engine);

    let keys_file = crate::command::keys_file(home.data());
    let issued = Keys::issue(&keys_file, "demo", &[Role::Ingest, Role::Read], clock::now())?;
    let token = issued.token.expose().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on a loopback port")?;
    let address = listener.local_addr()?;
    let reading = simulated.clone();
    let options =
        Options { grace: Duration::from_millis(500), ..Options::new(move || Micros(reading.load(Relaxed))) };
    let api = Api::new(engine.clone(), Keys::load(&keys_file)?, options);
    let (end_server, server_ended) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(wardroom_api::serve(listener, api, async {
        let _ = server_ended.await;
    }));

    let board = Arc::new(Mutex::new(Board::new(address, token.clone(), engine.active().program.rules.len())));
    let driver =
        drive::Driver { address, token, board: board.clone(), simulated, morning, args: args.clone() };
    let result = tokio::select! {
        result = driver.run() => result,
        () = view::show(board.clone(), args.json) => Ok(()),
        () = stop => Ok(()),
    };
    view::restore(args.json);
    let _ = end_server.send(());
    let _ = server.await;
    engine.close().await;
    result?;
    view::print_result(&board, args.json)?;
    if !args.json {
        home.say()?;
    }
    Ok(ExitCode::SUCCESS)
}
