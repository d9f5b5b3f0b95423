// SPDX-License-Identifier: Apache-2.0
//! Labels from a file: CSV or one JSON object a line, each line by itself.
//!
//! A line with a fault holds no other up and is told by its number; no line is passed over in silence. Texts are read as
//! events are, so that an address or a domain is the same entity however it is written.

use super::asked::end;
use super::limits;
use serde::Deserialize;
use serde_json::Value as Json;
use wardroom_engine::acts::{Deed, Subject};
use wardroom_event::{Micros, Type, nearest, parse_text};

/// A label as a line or an element of a request has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Of whom or what: `{"account": "ann"}`, `"account:ann"`, `{"event": "123"}`, `{"event": {"source": "…", "id": "…"}}`.
    subject: Json,
    /// The label.
    label: Box<str>,
    /// Whether the subject bears it; it does where this does not say.
    #[serde(default)]
    says: Option<bool>,
    /// Until when (RFC 3339).
    #[serde(default)]
    until: Option<Box<str>>,
    /// For how long from now, instead.
    #[serde(default)]
    expires: Option<Box<str>>,
    /// How sure, from 0 to 1.
    #[serde(default)]
    confidence: Option<f64>,
    /// In words.
    #[serde(default)]
    note: Box<str>,
    /// The time it is about (RFC 3339).
    #[serde(default)]
    time: Option<Box<str>>,
    /// Whose word it is, where that is not who sends it: `import:NAME` or `case:QUEUE`.
    #[serde(default)]
    pub source: Option<Box<str>>,
}

/// A label whose event may have to be looked for by its id.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// All is known.
    Deed(Deed),
    /// Its subject is the event of this source and id; what is done then has 0 for its number.
    ById(Box<str>, Box<str>, Deed),
}

impl Row {
    /// What it says.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(&self, now: Micros) -> Result<Read, String> {
        let (subject, id) = subject(&self.subject)?;
        if self.label.is_empty() {
            return Err("`label` is empty".to_owned());
        }
        let about = match self.time.as_deref() {
            None => None,
            Some(time) => Some(
                Micros::parse(time)
                    .ok_or_else(|| format!("`time` is no time: `{time}`; write 2026-01-05T10:00:00Z"))?,
            ),
        };
        if self.confidence.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
            return Err("`confidence` is a number from 0 to 1".to_owned());
        }
        let deed = Deed::Label {
            subject,
            label: self.label.clone(),
            says: self.says.unwrap_or(true),
            until: end(self.until.as_deref(), self.expires.as_deref(), now)?,
            confidence: self.confidence,
            note: self.note.clone(),
            about,
        };
        Ok(match id {
            None => Read::Deed(deed),
            Some((source, id)) => Read::ById(source, id, deed),
        })
    }
}

type Id = (Box<str>, Box<str>);

fn subject(json: &Json) -> Result<(Subject, Option<Id>), String> {
    match json {
        Json::String(text) => {
            let (kind, value) = text.split_once(':').ok_or_else(shape)?;
            named(kind, &Json::String(value.to_owned()))
        }
        Json::Object(map) if map.len() == 1 => match map.iter().next() {
            Some((kind, value)) => named(kind, value),
            None => Err(shape()),
        },
        _ => Err(shape()),
    }
}

fn shape() -> String {
    "`subject` is an entity such as {\"account\": \"ann\"} or `account:ann`, or an event such as {\"event\": \"123\"}".to_owned()
}

fn named(kind: &str, value: &Json) -> Result<(Subject, Option<Id>), String> {
    if kind == "event" {
        return event(value);
    }
    let text = value.as_str().ok_or_else(|| format!("`{kind}` of `subject` is a text"))?;
    entity(kind, text).map(|(kind, value)| (Subject::Entity { kind, value }, None))
}

fn event(value: &Json) -> Result<(Subject, Option<Id>), String> {
    let number = match value {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        Json::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Json::as_str).map(Box::<str>::from);
            let id = text("id").ok_or("an event is named by its number, or by `source` and `id`")?;
            return Ok((Subject::Event(0), Some((text("source").unwrap_or_default(), id))));
        }
        _ => None,
    };
    let number = number.ok_or("an event is named by its number, or by `source` and `id`")?;
    Ok((Subject::Event(number), None))
}

/// An entity from the name of its type and its text.
///
/// # Errors
/// What is wrong, in words.
pub fn entity(kind: &str, text: &str) -> Result<(Type, wardroom_event::Value), String> {
    let entities = || Type::ALL.into_iter().filter(|kind| kind.is_entity());
    let known = Type::named(kind).filter(|kind| kind.is_entity());
    let known = known.ok_or_else(|| {
        let near = nearest(kind, entities().map(Type::name));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        format!("`{kind}` is no type of an entity{near}")
    })?;
    let value = parse_text(text, known).map_err(|why| format!("`{kind}` {why}"))?;
    Ok((known, value))
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LineFault {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct Import {
    /// Its labels, each with its line.
    pub rows: Vec<(usize, Row)>,
    /// Lines that cannot be read.
    pub faults: Vec<LineFault>,
    /// How many more there are.
    pub more: usize,
}

impl Import {
    /// A line has a fault.
    pub fn fault(&mut self, line: usize, why: impl Into<String>) {
        if self.faults.len() < limits::FAULTS {
            self.faults.push(LineFault { line, why: why.into() });
        } else {
            self.more += 1;
        }
    }
}

/// Reads one JSON object a line. Empty lines are none.
pub fn ndjson(bytes: &[u8]) -> Import {
    let mut import = Import::default();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if line.len() > limits::LINE_BYTES {
            import.fault(at + 1, format!("it has {} bytes; the most is {}", line.len(), limits::LINE_BYTES));
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(row) => import.rows.push((at + 1, row)),
            Err(why) => import.fault(at + 1, why.to_string()),
        }
    }
    import
}

/// The columns that a file may have.
const COLUMNS: [&str; 8] = ["subject", "label", "says", "until", "expires", "confidence", "note", "time"];

/// Reads CSV (RFC 4180) whose first line names its columns.
///
/// # Errors
/// What is wrong with its head: then no line means anything.
pub fn csv(bytes: &[u8]) -> Result<Import, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| format!("it is not UTF-8 from byte {} on", e.valid_up_to()))?;
    let mut records = Records { rest: text.trim_start_matches('\u{feff}'), line: 1 };
    let Some((_, head)) = records.next() else { return Err("it is empty".to_owned()) };
    let head = head.map_err(|why| format!("its head: {why}"))?;
    let names: Vec<String> = head.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    for name in &names {
        if !COLUMNS.contains(&name.as_str()) {
            let near = nearest(name, COLUMNS).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(format!("no column is called `{name}`{near}; there are {}", COLUMNS.join(", ")));
        }
    }
    if let Some(lacks) = ["subject", "label"].into_iter().find(|c| !names.iter().any(|n| n == c)) {
        return Err(format!("its first line names no column `{lacks}`"));
    }
    let mut import = Import::default();
    for (line, record) in records {
        match record.and_then(|cells| row(&names, &cells)) {
            Ok(Some(row)) => import.rows.push((line, row)),
            Ok(None) => {}
            Err(why) => import.fault(line, why),
        }
    }
    Ok(import)
}

/// A line's label; none for an empty line.
fn row(names: &[String], cells: &[String]) -> Result<Option<Row>, String> {
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(None);
    }
    if cells.len() != names.len() {
        return Err(format!("it has {} values, and its head names {} columns", cells.len(), names.len()));
    }
    let mut row = Row::default();
    for (name, cell) in names.iter().zip(cells) {
        let cell = cell.trim();
        let given = || Some(Box::<str>::from(cell)).filter(|cell| !cell.is_empty());
        match name.as_str() {
            "subject" => row.subject = Json::String(cell.to_owned()),
            "label" => row.label = cell.into(),
            "says" => {
                row.says = match cell {
                    "" => None,
                    "true" | "yes" | "1" => Some(true),
                    "false" | "no" | "0" => Some(false),
                    other => return Err(format!("`says` is true or false, not `{other}`")),
                }
            }
            "until" => row.until = given(),
            "expires" => row.expires = given(),
            "confidence" if cell.is_empty() => {}
            "confidence" => {
                let sure = cell.parse().map_err(|_| "`confidence` is a number from 0 to 1")?;
                row.confidence = Some(sure);
            }
            "note" => row.note = cell.into(),
            _ => row.time = given(),
        }
    }
    Ok(Some(row))
}

/// The records of a CSV text, each with the line it begins at.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

impl Iterator for Records<'_> {
    type Item = (usize, Result<Vec<String>, String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let (mut cells, mut cell, mut quoted, mut bytes) = (Vec::new(), String::new(), false, 0);
        let mut chars = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, char)) = chars.next() {
            bytes += char.len_utf8();
            match char {
                '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    cell.push('"');
                    chars.next();
                }
                '"' if quoted => quoted = false,
                '"' if cell.trim().is_empty() => {
                    cell.clear();
                    quoted = true;
                }
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                '\n' => {
                    self.line += 1;
                    // A quote that is never closed must not swallow the rest: a record ends at its most.
                    if !quoted || bytes > limits::LINE_BYTES {
                        end = at + 1;
                        break;
                    }
                    cell.push('\n');
                }
                '\r' if !quoted => {}
                other => cell.push(other),
            }
        }
        self.rest = &self.rest[end..];
        cells.push(cell);
        let record = match (quoted, bytes > limits::LINE_BYTES) {
            (_, true) => Err(format!("it has more than {} bytes", limits::LINE_BYTES)),
            (true, _) => Err("a quote is not closed".to_owned()),
            _ => Ok(cells),
        };
        Some((line, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wardroom_event::Value;

    const NOW: Micros = Micros(0);

    fn deed(row: &Row) -> Deed {
        match row.read(NOW) {
            Ok(Read::Deed(deed)) => deed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_read_one_by_one_and_faults_are_told_by_line() {
        let text = "subject,label,says,until,confidence,note\n\
            account:ann,abuse,,,0.9,\"said \"\"so\"\", twice\"\r\n\
            \n\
            ip:192.0.2.1,good,no,2026-01-05T10:00:00Z,,\"two\nlines\"\n\
            ip:nowhere,good,,,,\n\
            account:bob,abuse\n\
            acount:eve,abuse,,,,\n";
        let import = csv(text.as_bytes()).unwrap();
        let lines: Vec<usize> = import.rows.iter().map(|(line, _)| *line).collect();
        assert_eq!((lines, import.more), (vec![2, 4, 6, 8], 0));
        assert_eq!(
            import.faults,
            [LineFault { line: 7, why: "it has 2 values, and its head names 6 columns".into() }]
        );
        let Deed::Label { subject, label, says: true, note, confidence: Some(0.9), .. } =
            deed(&import.rows[0].1)
        else {
            panic!("a label")
        };
        let ann = Subject::Entity { kind: Type::Account, value: Value::Text("ann".into()) };
        assert_eq!((subject, &*label, &*note), (ann, "abuse", "said \"so\", twice"));
        let Deed::Label { says: false, until: Some(_), note, .. } = deed(&import.rows[1].1) else {
            panic!("no")
        };
        assert_eq!(&*note, "two\nlines");
        assert!(import.rows[2].1.read(NOW).unwrap_err().contains("must be an IPv4"));
        assert!(import.rows[3].1.read(NOW).unwrap_err().contains("did you mean `account`"));
    }

    #[test]
    fn a_head_that_is_none_is_refused_with_what_would_be_right() {
        let check = |text: &str, expect: &str| {
            let why = csv(text.as_bytes()).unwrap_err();
            assert!(why.contains(expect), "{why}");
        };
        check("", "empty");
        check("subject,lable\n", "did you mean `label`");
        check("label\nx\n", "no column `subject`");
        let open = csv(b"subject,label\naccount:a,\"never closed\naccount:b,x\n").unwrap();
        assert_eq!((open.rows.len(), &*open.faults[0].why), (0, "a quote is not closed"));
    }

    #[test]
    fn json_names_entities_and_events() {
        let import = ndjson(
            b"{\"subject\":{\"account\":\"ann\"},\"label\":\"abuse\",\"expires\":\"1d\"}\n\n{\"subject\":{\"event\":\"17\"},\"label\":\"good\"}\n\
              {\"subject\":{\"event\":{\"source\":\"web\",\"id\":\"e1\"}},\"label\":\"good\"}\nnot json\n{\"subject\":\"account:x\",\"labl\":\"a\"}\n",
        );
        assert_eq!(import.faults.iter().map(|f| f.line).collect::<Vec<_>>(), [5, 6]);
        let Deed::Label { until, .. } = deed(&import.rows[0].1) else { panic!("a label") };
        assert_eq!(until, Some(Micros(86_400_000_000)));
        assert!(matches!(deed(&import.rows[1].1), Deed::Label { subject: Subject::Event(17), .. }));
        assert!(
            matches!(import.rows[2].1.read(NOW), Ok(Read::ById(source, id, _)) if (&*source, &*id) == ("web", "e1"))
        );
    }

    proptest! {
        /// What is written with quotes is read back, whatever it holds, and no line is lost: each is a label or a fault.
        #[test]
        fn csv_comes_back(notes in prop::collection::vec("[a-z\",\n ]{0,12}", 0..20)) {
            let quoted = |note: &String| format!("account:a,x,\"{}\"\n", note.replace('"', "\"\""));
            let text = format!("subject,label,note\n{}", notes.iter().map(quoted).collect::<String>());
            let import = csv(text.as_bytes()).unwrap();
            prop_assert!(import.faults.is_empty());
            let read: Vec<String> = import.rows.iter().map(|(_, row)| row.note.to_string()).collect();
            prop_assert_eq!(read, notes.iter().map(|n| n.trim().to_owned()).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[subject,label\n\":a]{0,60}") {
            let _ = (csv(&bytes), ndjson(&bytes), ndjson(text.as_bytes()));
            if let Ok(import) = csv(format!("subject,label\n{text}").as_bytes()) {
                import.rows.iter().for_each(|(_, row)| drop(row.read(NOW)));
            }
        }
    }
}
