//! Addresses with passwords, from files and in lists; no password is shown.

use super::*;

#[test]
fn a_secret_comes_from_its_file_without_the_last_line_break() {
    let files = Files::new();
    let path = files.write("url", &format!("{URL}\n")).display().to_string();
    let config = load("", &[("XIEBAO__AMQP__URL_FILE", &path)], Needs::NOTHING).expect("sound");
    assert_eq!(config.amqp.expect("given").urls[0].expose(), URL);
}

fn brokers_of(toml: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let config = load(toml, environment, Needs::NOTHING).expect("sound");
    let urls = config.amqp.expect("given").urls;
    urls.iter().map(|url| url.expose().to_owned()).collect()
}

#[test]
fn several_brokers_are_separated_by_commas_or_lines() {
    let (a, b) = ("amqp://u:p,q@a:1/%2f", "amqps://u:p,,r@b/");
    assert_eq!(brokers_of("", &[("XIEBAO__AMQP__URL", a)]), [a]);
    let both = [("XIEBAO__AMQP__URL", &*format!("{a}, {b},"))];
    assert_eq!(
        brokers_of("", &[("XIEBAO__AMQP__URL", "amqp://h, amqp://i/%2F")]).len(),
        2
    );
    let list = format!("[amqp]\nurl = [\"{a}\", \" amqp://c/%2f\"]");
    assert_eq!(brokers_of(&list, &[]), [a, "amqp://c/%2f"]);
    let faults = load("", &both, Needs::NOTHING)
        .expect_err("two vhosts")
        .to_string();
    assert_eq!(
        faults,
        "amqp.url: names nodes of one cluster, so all must have the same vhost"
    );
    let files = Files::new();
    let path = files.write("urls", "amqp://a/x\r\n\namqp://b/x,amqp://c/x\n");
    let path = path.display().to_string();
    assert_eq!(
        brokers_of("", &[("XIEBAO__AMQP__URL_FILE", &path)]),
        ["amqp://a/x", "amqp://b/x", "amqp://c/x"]
    );
}

#[test]
fn every_faulty_broker_is_reported_and_none_shows_a_password() {
    let toml = r#"amqp.url = ["amqp://u:hush-1@", "amqp://u:p@a/x", "redis://u:hush-2@b/x", "hush-3"]"#;
    let faults = load(toml, &[], Needs::NOTHING).expect_err("faulty");
    assert_eq!(fault_keys(&faults), ["amqp.url"; 3]);
    let text = faults.to_string();
    assert!(
        text.contains("redis://u:***@b/x") && !text.contains("hush"),
        "{text}"
    );
    for list in [
        "amqp://a,hush",
        "amqp://a/x,hush@b/x",
        "amqp://a,u:hush@b",
        " , ",
        "[]",
    ] {
        let faults = load("", &[("XIEBAO__AMQP__URL", list)], Needs::NOTHING);
        let text = faults.map_or_else(|faults| faults.to_string(), |_| String::new());
        assert!(!text.contains("hush"), "{text}");
    }
    let empty = load("amqp.url = []", &[], Needs::NOTHING).expect_err("faulty");
    assert_eq!(empty.to_string(), "amqp.url: is empty");
    let list = load("database.url = [\"mysql://h/a\"]", &[], Needs::NOTHING).expect_err("faulty");
    assert_eq!(list.to_string(), "database.url: is a list, but must be one value");
}

#[test]
fn a_secret_given_twice_or_in_a_file_that_is_not_there_is_one_fault() {
    let files = Files::new();
    let path = files.write("url", URL).display().to_string();
    let twice = [
        ("XIEBAO__AMQP__URL", URL),
        ("XIEBAO__AMQP__URL_FILE", path.as_str()),
    ];
    let faults = load(
        "",
        &twice,
        Needs {
            amqp: true,
            ..Needs::NOTHING
        },
    )
    .expect_err("faulty");
    assert_eq!(fault_keys(&faults), ["amqp.url"]);
    let gone = [("XIEBAO__AMQP__URL_FILE", "/no/such/file")];
    let faults = load(
        "",
        &gone,
        Needs {
            amqp: true,
            ..Needs::NOTHING
        },
    )
    .expect_err("faulty");
    assert_eq!(fault_keys(&faults), ["amqp.url_file"]);
}

#[test]
fn no_secret_is_shown_by_faults_debug_or_a_broken_file() {
    let config = load("", &[("XIEBAO__AMQP__URL", URL)], Needs::NOTHING).expect("sound");
    assert!(!format!("{config:?}").contains("hush-hush"));
    for url in [
        "amqp://user:hush-hush@",
        "redis://user:hush-hush@h",
        "hush-hush",
        "amqp:hush-hush",
    ] {
        let faults = load("", &[("XIEBAO__AMQP__URL", url)], Needs::NOTHING)
            .expect_err("faulty")
            .to_string();
        assert!(!faults.contains("hush-hush"), "{faults}");
    }
    let broken = load("[amqp]\nurl = \"hush-hush\nother = 1", &[], Needs::NOTHING)
        .expect_err("faulty")
        .to_string();
    assert!(
        broken.contains("line 2") && !broken.contains("hush-hush"),
        "{broken}"
    );
    assert_eq!(
        without_password("amqp://u:hush@h:1/v?heartbeat=5"),
        "amqp://u:***@h:1/v"
    );
}
