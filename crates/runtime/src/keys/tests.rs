use super::*;

#[test]
fn each_partner_has_its_keys_in_order() {
    let keys = parse("\"1048483\" = [\"current\", \"next\"]\n7 = [\"seven\"]").expect("sound");
    let sign = |text: &str| Key::new(text).expect("a key").sign("x");
    assert_eq!(
        keys.0[&PartnerId(1_048_483)]
            .iter()
            .map(|key| key.sign("x"))
            .collect::<Vec<_>>(),
        [sign("current"), sign("next")]
    );
    assert_eq!(keys.0[&PartnerId(7)].len(), 1);
}

#[test]
fn no_error_contains_a_key() {
    let cases = [
        ("", "names no partner"),
        ("\"1048483\" = [\"hush\"", "is not TOML at line 1"),
        ("\"1048483\" = [hush]", "is not TOML at line 1"),
        ("\"1\" = [\"hush\"]\n\"1\" = [\"hush\"]", "is not TOML at line 2"),
        ("\"x7\" = [\"hush\"]", "\"x7\" is not a partner number"),
        ("\"7\" = \"hush\"", "partner 7 must have a list of keys"),
        ("\"7\" = []", "partner 7 must have a list of keys"),
        ("\"7\" = [\"hush\", \" \"]", "partner 7 must have a list of keys"),
        (
            "\"7\" = [\"hush\"]\n\"07\" = [\"hush\"]",
            "partner 7 is listed twice",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(text).expect_err("faulty").to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_broken_file_keeps_the_keys_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.toml");
    let write = |text: &str| std::fs::write(&path, text).expect("it can be written");
    write("\"7\" = [\"a\"]");
    let ring = KeyRing::open(&path).expect("sound");
    assert_eq!(ring.reload(), Reload::Unchanged);
    write("nonsense");
    assert!(matches!(ring.reload(), Reload::Broken(KeysError::NotToml(_))));
    std::fs::remove_file(&path).expect("it can be removed");
    assert!(matches!(ring.reload(), Reload::Broken(KeysError::Unreadable(_))));
    assert!(ring.keys().0.contains_key(&PartnerId(7)));
    write("\"8\" = [\"b\"]");
    assert_eq!(ring.reload(), Reload::Replaced);
    assert_eq!(ring.keys().0.keys().copied().collect::<Vec<_>>(), [PartnerId(8)]);
}

#[test]
fn all_faults_of_a_file_are_reported_together() {
    let faults = parse("\"x\" = [\"a\"]\n\"1\" = []\n\"2\" = [\"\"]\n").expect_err("three faults");
    let text = faults.to_string();
    for named in ["\"x\"", "partner 1", "partner 2"] {
        assert!(text.contains(named), "{text}");
    }
}
