use serde_json::json;

use crate::cli::{Cli, issued};

#[tokio::test]
async fn a_proposal_is_found_by_policy_user_and_either_kind_of_name() {
    let cli = Cli::new().await;
    cli.issue("20260903000001").await;
    cli.issue("20260903000002").await;
    for by in [
        ["--policy", "P-20260903000001"],
        ["--user", "u-1"],
        ["--name", "李四"],
        ["--name", "张三"],
    ] {
        let answer = cli.xiebao(&["find", by[0], by[1]]).await;
        assert_eq!(answer.code, 0, "{answer:?}");
        answer.says(&["20260903000001  issued  u-1  policies: P-20260903000001\n"]);
    }
    let json = cli.json(&["find", "--user", "u-1", "--json"]).await;
    assert_eq!(json["proposals"][0]["insure_num"], "20260903000002");
    assert_eq!(json["proposals"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_list_that_was_cut_says_so_and_an_empty_one_is_a_no() {
    let cli = Cli::new().await;
    cli.issue("20260903000003").await;
    cli.issue("20260903000004").await;
    let cut = cli.xiebao(&["find", "--name", "王五", "--limit", "1"]).await;
    assert_eq!(cut.code, 0);
    cut.says(&["20260903000004", "Only the first 1 are listed"]);
    assert!(!cut.out.contains("20260903000003"));
    let none = cli.xiebao(&["find", "--name", "王"]).await;
    assert_eq!(none.code, 1);
    none.says(&["Nothing found"]);
    assert_eq!(cli.xiebao(&["find"]).await.code, 2);
    assert_eq!(cli.xiebao(&["find", "--name", "a", "--user", "b"]).await.code, 2);
}

#[tokio::test]
async fn a_name_is_found_whichever_dot_was_typed() {
    let cli = Cli::new().await;
    let number = "20260903000005";
    let mut content = issued(number);
    content["policys"][0]["insurant"] = json!("艾力·买买提,热娜.买买提");
    cli.deliver(1, number, json!({})).await;
    cli.deliver(2, number, crate::cli::paid()).await;
    cli.deliver(3, number, content).await;
    for name in ["艾力•买买提", "艾力·买买提", "艾力．买买提", "热娜·买买提"] {
        let found = cli.json(&["find", "--name", name, "--json"]).await;
        assert_eq!(found["proposals"][0]["insure_num"], number, "{name}");
    }
    assert_eq!(cli.xiebao(&["find", "--name", "艾力买买提"]).await.code, 1);
}

#[tokio::test]
async fn a_cancelled_person_who_is_in_no_policy_is_told_everywhere_until_the_notice_is_voided() {
    let cli = Cli::new().await;
    let number = "20260903000006";
    cli.issue("20260903000007").await;
    cli.issue(number).await;
    assert_eq!(cli.xiebao(&["find", "--unmatched"]).await.code, 1);
    let leaving = json!({ "cancelInsurants": ["王\u{3000}五", "无·名", "李四氏"] });
    cli.deliver(4, number, leaving).await;
    let found = cli.xiebao(&["find", "--unmatched"]).await;
    assert_eq!(found.code, 0, "{found:?}");
    found.says(&[number, "cancelled for some of the insured"]);
    assert!(!found.out.contains("20260903000007"), "{found:?}");
    let cancelled = "SELECT COUNT(*) FROM insured_persons WHERE cancelled AND name = '王五'";
    assert_eq!(cli.number(cancelled).await, 1);
    cli.xiebao(&["trace", number]).await.says(&[
        "Cancelled persons who are in no policy",
        "无·名, 李四氏: in no policy, so nobody was marked as left",
    ]);
    let told = cli.xiebao(&["trace", number, "--lang", "zh"]).await;
    told.says(&[
        "不在任何保单内的退保人",
        "无·名、李四氏：不在任何保单内，未能标记退保",
    ]);
    let json = cli.json(&["trace", number, "--json"]).await;
    assert_eq!(json["unmatched_persons"], json!([["无·名", "李四氏"]]));
    let status = cli.xiebao(&["status"]).await;
    status.says(&[
        "✗ proposals with a cancelled person who is in no policy: 1",
        "→ xiebao find --unmatched",
    ]);
    cli.void(number, 3).await;
    assert_eq!(cli.xiebao(&["find", "--unmatched"]).await.code, 1);
    cli.xiebao(&["status", "--lang", "zh"])
        .await
        .says(&["✓ 退保人不在任何保单内的投保单：0 个"]);
}
