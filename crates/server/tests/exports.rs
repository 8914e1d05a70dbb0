//! Exports that are larger than what may be kept of an answer.

#![allow(clippy::unwrap_used)]

mod common;

use common::{on_each_database, scene};
use futures_util::StreamExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

const PIECE: usize = 6 << 20;
const PIECES: usize = 11;

#[test]
fn a_large_export_with_an_idempotency_key_is_streamed_and_can_be_had_again() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let (tenant, _) = scene::tenant(&admin, "Brest", "MAIL").await;
        let new = json!({"tenant_id": tenant, "name": "large.bin"});
        let upload = scene::id(&admin.post("/api/v1/uploads", new).await.ok());
        let path = format!("/api/v1/uploads/{upload}");
        let mut whole = Sha256::new();
        for number in 0..PIECES {
            let piece = vec![number as u8; PIECE];
            whole.update(&piece);
            let offset = (number * PIECE).to_string();
            admin
                .send("PATCH", &path, &[("upload-offset", offset.as_str())], piece)
                .await
                .ok();
        }
        let evidence = scene::id(&admin.post(&format!("{path}/finish"), json!({})).await.ok());
        let sent = whole.finalize();
        let export = format!("/api/v1/evidence/{evidence}/export");
        for _ in 0..2 {
            let headers = [("idempotency-key", "k1"), ("content-type", "application/json")];
            let why = json!({"reason": "for the client's lawyer"}).to_string();
            let request = admin.request("POST", &export, &headers, why.into_bytes());
            let response = bench.router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let mut got = Sha256::new();
            let mut body = response.into_body().into_data_stream();
            while let Some(piece) = body.next().await {
                got.update(piece.unwrap());
            }
            assert_eq!(got.finalize(), sent);
        }
        // It was handed out twice, and that is what is written.
        let custody = admin
            .get(&format!("/api/v1/evidence/{evidence}/custody"))
            .await
            .ok();
        assert_eq!(
            custody.to_string().matches("\"evidence.export\"").count(),
            2,
            "{custody}"
        );
    });
}
