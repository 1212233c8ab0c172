use crate::cli::Cli;

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
