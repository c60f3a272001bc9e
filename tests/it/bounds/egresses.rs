//! What a call keeps of its egresses has limits: their errors and the names of their files come from outside.

use serde_json::{Value, json};

use super::{hook, on_both};
use crate::harness::PATIENCE;

const SID: &str = "RM_errors";

#[tokio::test(flavor = "multi_thread")]
async fn long_errors_are_cut_and_impossible_keys_are_no_names() {
    for world in on_both(&[("RECORD_ON", "manual")]).await {
        for n in 0..20 {
            let info = json!({
                "egressId": format!("EG_{n}"), "roomId": SID, "roomName": "desk", "status": "EGRESS_FAILED",
                "error": "ö".repeat(100_000), "roomComposite": { "roomName": "desk" },
                "fileResults": [{ "filename": "x".repeat(100_000) }],
            });
            hook(
                &world,
                &json!({ "event": "egress_ended", "egressInfo": info }),
            )
            .await;
        }
        let asked = std::time::Instant::now();
        loop {
            let answer = world.get(&format!("/v1/calls/{SID}")).await;
            let call: Value = answer.json().await.unwrap();
            let recordings = call["recordings"].as_array().cloned().unwrap_or_default();
            if recordings.len() == 20 {
                for recording in &recordings {
                    let error = recording["error"].as_str().unwrap();
                    assert!((4000..5000).contains(&error.len()), "{}", error.len());
                    assert_eq!(recording["filename"], "");
                }
                assert!(call.to_string().len() < 400_000);
                break;
            }
            assert!(asked.elapsed() < PATIENCE, "{}", recordings.len());
        }
    }
}
