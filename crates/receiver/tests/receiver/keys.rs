use std::time::Duration;

use serde_json::json;
use xiebao_testkit::{KEY, PARTNER, notice};

use crate::running::Running;

fn signed_with(key: &str) -> Vec<u8> {
    notice(
        1,
        &json!({"partnerId": PARTNER, "insureNum": "20260723000001", "state": true}),
        key,
    )
}

/// Posts until this verdict comes.
async fn until(running: &Running, key: &str, verdict: &str) {
    for _ in 0..100 {
        if running.post(signed_with(key)).await.verdict() == verdict {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{verdict} does not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_without_a_restart() {
    let running = Running::start().await;
    assert_eq!(
        running.post(signed_with("next-key")).await.verdict(),
        "bad_signature"
    );
    std::fs::write(
        &running.keys_file,
        format!("\"{PARTNER}\" = [\"{KEY}\", \"next-key\"]"),
    )
    .unwrap();
    until(&running, "next-key", "accepted").await;
    assert_eq!(running.post(signed_with(KEY)).await.verdict(), "accepted");
    // The first notice may be earlier than the counters of its key.
    assert_eq!(running.post(signed_with("next-key")).await.verdict(), "accepted");
    let metrics = running.metrics().await;
    let counted = |count| format!(r#"signatures_total{{form="raw",partner="1048483",key="2"}} {count}"#);
    assert!(
        metrics.contains(&counted(1)) || metrics.contains(&counted(2)),
        "{metrics}"
    );
    std::fs::write(&running.keys_file, format!("\"{PARTNER}\" = [\"next-key\"]")).unwrap();
    until(&running, KEY, "bad_signature").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_partner_is_served_by_swapping_a_symbolic_link() {
    let running = Running::start().await;
    let folder = running.keys_file.parent().unwrap();
    let (target, link) = (folder.join("data-2"), folder.join("link"));
    std::fs::write(&target, "\"7\" = [\"seven\"]").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    std::fs::rename(&link, &running.keys_file).unwrap();
    let of_seven = || {
        notice(
            1,
            &json!({"partnerId": 7, "insureNum": "1", "state": true}),
            "seven",
        )
    };
    for _ in 0..100 {
        if running.post(of_seven()).await.verdict() == "accepted" {
            assert_eq!(running.post(signed_with(KEY)).await.verdict(), "unknown_partner");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the new partner is not served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_keys_file_keeps_the_old_keys_and_shows_in_the_metrics() {
    let running = Running::start().await;
    for broken in [
        "",
        "nonsense",
        "\"1048483\" = []",
        "\"1048483\" = [\" \"]",
        "\"abc\" = [\"x\"]",
    ] {
        std::fs::write(&running.keys_file, broken).unwrap();
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        assert!(
            running.metrics().await.contains("xiebao_receiver_keys_broken 1"),
            "{broken:?}"
        );
        assert_eq!(
            running.post(signed_with(KEY)).await.verdict(),
            "accepted",
            "{broken:?}"
        );
    }
    std::fs::write(&running.keys_file, format!("\"{PARTNER}\" = [\"{KEY}\"]")).unwrap();
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert!(running.metrics().await.contains("xiebao_receiver_keys_broken 0"));
}
