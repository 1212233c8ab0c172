use super::super::value::escaped;
use super::*;

fn data() -> Value {
    Value::Object(vec![
        ("b".to_owned(), Value::text("张\"")),
        (
            "a".to_owned(),
            Value::Object(vec![
                ("d".to_owned(), Value::literal("1.0")),
                ("c".to_owned(), Value::List(vec![])),
            ]),
        ),
    ])
}

fn texts(form: Form) -> (String, String) {
    form.texts(&data(), &mut Rng::new(1, 1))
}

#[test]
fn each_form_signs_the_text_that_it_says() {
    let compact = r#"{"b":"张\"","a":{"d":1.0,"c":[]}}"#;
    let sorted = r#"{"a":{"c":[],"d":1.0},"b":"张\""}"#;
    let pretty = "{\n  \"b\": \"张\\\"\",\n  \"a\": {\n    \"d\": 1.0,\n    \"c\": []\n  }\n}";
    let ascii = r#"{"b":"\u5f20\"","a":{"d":1.0,"c":[]}}"#;
    let string = r#""{\"b\":\"张\\\"\",\"a\":{\"d\":1.0,\"c\":[]}}""#;
    let both = |text: &str| (text.to_owned(), text.to_owned());
    assert_eq!(texts(Form::Documented), both(compact));
    assert_eq!(texts(Form::Alphabetical), both(sorted));
    assert_eq!(texts(Form::Pretty), both(pretty));
    assert_eq!(
        texts(Form::PrettySignedCompact),
        (pretty.to_owned(), compact.to_owned())
    );
    assert_eq!(texts(Form::ShuffledSignedSorted).1, sorted);
    assert_eq!(texts(Form::JsonString), (string.to_owned(), compact.to_owned()));
    assert_eq!(texts(Form::Ascii), both(ascii));
}

#[test]
fn a_rare_character_is_escaped_as_two_units() {
    assert_eq!(escaped("\"𠮷\""), "\"\\ud842\\udfb7\"");
}
