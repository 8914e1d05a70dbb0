//! What a hunt had to say of its evidence, in the language of whoever reads it.

#![allow(clippy::unwrap_used)]

mod common;

use common::{on_each_database, scene};
use serde_json::json;

#[test]
fn what_a_hunt_warns_of_and_skips_is_said_in_the_reader_s_language() {
    on_each_database(async |bench| {
        let french = bench.admin().await;
        let (tenant, server) = scene::tenant(&french, "Client", "EX01").await;
        let campaign = scene::campaign(&french, &[&tenant]).await;
        let mut damaged = scene::log("EX01");
        damaged.extend_from_slice(&[0; 64]);
        damaged.extend_from_slice(b"\"2021-03-03T00:10:00.000Z,cut");
        let evidence = scene::upload(&french, &tenant, &server, &campaign, &damaged).await;
        let asked = json!({"campaign_id": campaign, "evidence": [evidence]});
        let hunt = scene::id(&french.post("/api/v1/hunts", asked).await.ok());
        scene::work(bench).await;
        let path = format!("/api/v1/hunts/{hunt}");
        let reasons = |hunt: &serde_json::Value| {
            let skipped = hunt["skipped"][0]["skipped"].as_array().unwrap().clone();
            let said = skipped
                .iter()
                .map(|reason| (reason["why"].clone(), reason["first_at"].clone()));
            said.collect::<Vec<_>>()
        };

        let of_french = french.get(&path).await.ok();
        let said = reasons(&of_french["hunt"]);
        assert!(
            said.contains(&(json!("remplissage d’octets nuls"), json!("ligne 30"))),
            "{said:?}"
        );
        let listed = french.get("/api/v1/hunts").await.ok();
        assert_eq!(reasons(&listed["items"][0]), said);

        let wish = json!({"locale": "en", "preferences": {}});
        french
            .send(
                "PUT",
                "/api/v1/session/preferences",
                &[("content-type", "application/json")],
                wish.to_string().into_bytes(),
            )
            .await
            .ok();
        let english = bench.sign_in("alex").await;
        let of_english = english.get(&path).await.ok();
        let said = reasons(&of_english["hunt"]);
        assert!(
            said.contains(&(json!("NUL padding"), json!("line 30"))),
            "{said:?}"
        );
        // Programs read the codes, the same for all.
        let codes = |detail: &serde_json::Value| {
            let skipped = detail["hunt"]["skipped"][0]["skipped"]
                .as_array()
                .unwrap()
                .clone();
            skipped
                .iter()
                .map(|reason| reason["code"].clone())
                .collect::<Vec<_>>()
        };
        assert!(codes(&of_english).contains(&json!("nul_padding")), "{of_english}");
        assert_eq!(codes(&of_english), codes(&of_french));
    });
}
