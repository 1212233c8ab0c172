//! A JSON value as the platform might spell it: the order of keys and the spelling of numbers are part of it.

/// Keys in the order in which they are to be written; numbers as they are to be spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`, `true`, a number, or any other JSON text that is to stand as it is.
    Literal(String),
    Text(String),
    List(Vec<Value>),
    Object(Members),
}

/// The members of an object, in order.
pub type Members = Vec<(String, Value)>;

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into())
    }

    /// A literal, spelled as it is.
    pub fn literal(text: impl ToString) -> Self {
        Value::Literal(text.to_string())
    }

    /// Without white space.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// Over several lines, two blanks a level.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out
    }

    /// The same value with the keys of every object in another order.
    pub fn reordered(&self, order: &mut dyn FnMut(&mut Members)) -> Value {
        match self {
            Value::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.reordered(order)))
                    .collect();
                order(&mut members);
                Value::Object(members)
            }
            Value::List(items) => Value::List(items.iter().map(|item| item.reordered(order)).collect()),
            other => other.clone(),
        }
    }

    /// The value with the members of all objects sorted by key.
    pub fn sorted(&self) -> Value {
        self.reordered(&mut |members| members.sort_by(|a, b| a.0.cmp(&b.0)))
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Value::Literal(text) => out.push_str(text),
            Value::Text(text) => out.push_str(&quoted(text)),
            Value::List(items) => {
                let items = items.iter().map(|item| (None, item));
                write_all(out, ('[', ']'), items, indent);
            }
            Value::Object(members) => {
                let members = members.iter().map(|(key, value)| (Some(key.as_str()), value));
                write_all(out, ('{', '}'), members, indent);
            }
        }
    }
}

fn write_all<'v>(
    out: &mut String,
    (open, close): (char, char),
    items: impl Iterator<Item = (Option<&'v str>, &'v Value)>,
    indent: Option<usize>,
) {
    let inner = indent.map(|depth| depth + 1);
    out.push(open);
    let mut empty = true;
    for (key, value) in items {
        if !empty {
            out.push(',');
        }
        empty = false;
        new_line(out, inner);
        if let Some(key) = key {
            out.push_str(&quoted(key));
            out.push_str(if indent.is_some() { ": " } else { ":" });
        }
        value.write(out, inner);
    }
    if !empty {
        new_line(out, indent);
    }
    out.push(close);
}

fn new_line(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
}

/// A JSON string with no more escapes than JSON demands.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The same JSON text in ASCII alone: every other character as `\uXXXX`, in UTF-16 as JSON has it.
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}
