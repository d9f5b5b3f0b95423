// SPDX-License-Identifier: Apache-2.0
//! What the section `[keep]` says, where no server runs, and beside one that does.

use crate::process::run;
use crate::server::{Shop, signup};

#[test]
fn what_is_kept_no_longer_is_taken_away_where_no_server_runs() {
    let shop = Shop::new();
    std::fs::write(shop.path().join("keep.toml"), "[keep]\nsignup = \"90d\"\n\"signup.ipp\" = \"30d\"\n")
        .unwrap();
    let server = shop.serve_with(&["--data", "data", "--config", "keep.toml"]);
    for n in 0..10 {
        server.client.decide(&signup(&format!("e{n}"), "marguerite", "203.0.113.1")).ok();
    }
    server.stop();
    let retain = |config: &str| run(shop.path(), &["retain", "--data", "data", "--config", config]);
    let ran = retain("keep.toml").ended(0);
    assert!(ran.out.contains("0 values are gone from 0 segments"), "{ran:#?}");
    assert!(ran.out.contains("0 values are gone from 0 files"), "{ran:#?}");
    assert!(ran.err.contains("`signup.ipp`") && ran.err.contains("did you mean `ip`?"), "{ran:#?}");
    std::fs::write(shop.path().join("all.toml"), "").unwrap();
    assert!(retain("all.toml").ended(0).out.contains("everything is kept"));
    std::fs::write(shop.path().join("bad.toml"), "[keep]\nsignup = \"soon\"\n").unwrap();
    let ran = retain("bad.toml");
    assert!(ran.code != Some(0) && ran.err.contains("keep.signup"), "{ran:#?}");
    let ran = run(shop.path(), &["config", "--config", "keep.toml"]).ended(0);
    assert!(ran.out.contains("keep.\"signup\" = \"12w6d\""), "{ran:#?}");
}
