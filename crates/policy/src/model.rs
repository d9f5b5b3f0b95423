// SPDX-License-Identifier: Apache-2.0
//! Linear models from a file: a bias and a weight for each input, in nats (log-odds), so that what each input adds
//! can be said.
//!
//! ```json
//! {
//!   "kind": "linear", "name": "bot", "note": "fitted on May 2026", "bias": -2.1,
//!   "inputs": {
//!     "form_secs": {"weight": -0.3, "mean": 2.0, "scale": 1.5, "missing": 0.1},
//!     "hosting": {"weight": 1.2}
//!   }
//! }
//! ```
//!
//! An input adds `weight · (x − mean) / scale`, or `missing` where it is not known; mean and missing are 0 and scale
//! is 1 unless they are written. `"weights": {"hosting": 1.2}` is the short form of `inputs`.

use crate::limits;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use wardroom_event::nearest;

/// A model, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    name: Option<Box<str>>,
    bias: f64,
    /// Ascending by name: a sum of floats depends on its order, and the file's must not matter.
    inputs: Box<[Input]>,
}

#[derive(Clone, Debug, PartialEq)]
struct Input {
    name: Box<str>,
    weight: f64,
    mean: f64,
    scale: f64,
    missing: f64,
}

impl Input {
    /// What it adds, in nats.
    fn adds(&self, input: Option<f64>) -> f64 {
        input.map_or(self.missing, |x| self.weight * (x - self.mean) / self.scale)
    }
}

impl Linear {
    /// Reads a model's file.
    ///
    /// # Errors
    /// Every fault, as a sentence, at most [`limits::DIAGNOSTICS`].
    pub(crate) fn parse(text: &str) -> Result<Linear, Vec<String>> {
        let json: Json = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
            .map_err(|why| vec![format!("the model is not JSON: {why}")])?;
        let mut reading = Reading::default();
        let model = reading.model(&json);
        match model {
            Some(model) if reading.faults.is_empty() => Ok(model),
            _ => Err(reading.faults),
        }
    }

    /// The name in the file.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it says of nothing, in nats.
    pub(crate) fn bias(&self) -> f64 {
        self.bias
    }

    /// The names of the inputs, ascending. This is the order in which they are given to [`Linear::score`].
    pub(crate) fn inputs(&self) -> impl ExactSizeIterator<Item = &str> {
        self.inputs.iter().map(|input| &*input.name)
    }

    /// The score in nats; none if it is not finite. Inputs not given are missing.
    pub(crate) fn score(&self, inputs: &[Option<f64>]) -> Option<f64> {
        let given = inputs.iter().copied().chain(std::iter::repeat(None));
        let score = self.inputs.iter().zip(given).fold(self.bias, |sum, (input, x)| sum + input.adds(x));
        score.is_finite().then_some(score)
    }

    /// What each input adds, in nats: what raises the score most comes first, what lowers it most last; those that
    /// add the same by name.
    pub(crate) fn contributions(&self, inputs: &[Option<f64>]) -> Vec<(&str, f64)> {
        let given = inputs.iter().copied().chain(std::iter::repeat(None));
        // Adding zero turns -0.0 into 0.0: the two are a tie.
        let mut each: Vec<(&str, f64)> =
            self.inputs.iter().zip(given).map(|(input, x)| (&*input.name, input.adds(x) + 0.0)).collect();
        each.sort_by(|a, b| b.1.total_cmp(&a.1));
        each
    }
}

/// JSON as it is written: members in their order, and twice if they are there twice.
enum Json {
    Null,
    Bool,
    Number(f64),
    Text(String),
    Array,
    Object(Vec<(String, Json)>),
}

impl Json {
    fn what(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool => "true or false",
            Json::Number(_) => "a number",
            Json::Text(_) => "text",
            Json::Array => "an array",
            Json::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Json, D::Error> {
        from.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(Json::Number(n as f64))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(Json::Number(n as f64))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Json, E> {
        Ok(Json::Number(n))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        // No member of a model is an array: that there is one is all that is said of it.
        while items.next_element::<Json>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

/// Checks the tree and gathers what is wrong.
#[derive(Default)]
struct Reading {
    faults: Vec<String>,
}

const KEYS: [&str; 6] = ["kind", "name", "note", "bias", "inputs", "weights"];
const INPUT_KEYS: [&str; 4] = ["weight", "mean", "scale", "missing"];

impl Reading {
    fn fault(&mut self, message: impl Into<String>) {
        if !self.full() {
            self.faults.push(message.into());
        }
    }

    fn full(&self) -> bool {
        self.faults.len() >= limits::DIAGNOSTICS
    }

    fn model(&mut self, json: &Json) -> Option<Linear> {
        let Json::Object(members) = json else {
            self.fault(format!("the model must be an object; this is {}", json.what()));
            return None;
        };
        self.keys("", members, &KEYS);
        self.kind(get(members, "kind"));
        let name = self.text("name", get(members, "name"));
        let _ = self.text("note", get(members, "note"));
        let bias = match get(members, "bias") {
            Some(bias) => self.number("bias", bias),
            None => self.required("bias"),
        };
        let inputs = self.inputs(get(members, "inputs"), get(members, "weights"));
        Some(Linear { name: name.map(Into::into), bias: bias?, inputs: inputs? })
    }

    /// Refuses members that are unknown or there twice.
    fn keys(&mut self, path: &str, members: &[(String, Json)], known: &[&str]) {
        self.once(path, members);
        for (key, _) in members.iter().filter(|(key, _)| !known.contains(&&**key)) {
            if self.full() {
                return;
            }
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are: {}", known.join(", ")),
            };
            self.fault(format!("`{}` is unknown; {help}", join(path, key)));
        }
    }

    fn once(&mut self, path: &str, members: &[(String, Json)]) {
        let mut keys: Vec<&str> = members.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        let mut twice: Vec<&str> = keys.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
        twice.dedup();
        for key in twice {
            self.fault(format!("`{}` is there twice", join(path, key)));
        }
    }

    fn required<T>(&mut self, path: &str) -> Option<T> {
        self.fault(format!("`{path}` is missing"));
        None
    }

    fn kind(&mut self, kind: Option<&Json>) {
        match kind {
            None => self.required("kind").unwrap_or_default(),
            Some(Json::Text(kind)) if kind == "linear" => {}
            Some(Json::Text(kind)) => {
                self.fault(format!("`kind` is \"{}\"; the one kind there is is \"linear\"", shown(kind)));
            }
            Some(other) => self.fault(format!("`kind` must be \"linear\"; this is {}", other.what())),
        }
    }

    fn text<'a>(&mut self, path: &str, json: Option<&'a Json>) -> Option<&'a str> {
        match json {
            None => None,
            Some(Json::Text(text)) => Some(text),
            Some(other) => {
                self.fault(format!("`{path}` must be text; this is {}", other.what()));
                None
            }
        }
    }

    fn number(&mut self, path: &str, json: &Json) -> Option<f64> {
        match json {
            Json::Number(n) if n.is_finite() => Some(*n),
            other => {
                self.fault(format!("`{path}` must be a finite number; this is {}", other.what()));
                None
            }
        }
    }

    fn inputs(&mut self, inputs: Option<&Json>, weights: Option<&Json>) -> Option<Box<[Input]>> {
        let (path, json) = match (inputs, weights) {
            (Some(inputs), None) => ("inputs", inputs),
            (None, Some(weights)) => ("weights", weights),
            (None, None) => return self.required("inputs"),
            (Some(_), Some(_)) => {
                self.fault("`inputs` and `weights` are both there; `weights` is the short form of `inputs`");
                return None;
            }
        };
        let Json::Object(members) = json else {
            self.fault(format!("`{path}` must be an object; this is {}", json.what()));
            return None;
        };
        if members.len() > limits::MODEL_INPUTS {
            self.fault(format!(
                "`{path}` has {} members; the most is {}",
                members.len(),
                limits::MODEL_INPUTS
            ));
            return None;
        }
        self.once(path, members);
        let short = path == "weights";
        let read = |(name, json): &(String, Json)| self.input(path, name, json, short);
        let mut read: Vec<Input> = members.iter().filter_map(read).collect();
        read.sort_by(|a, b| a.name.cmp(&b.name));
        Some(read.into())
    }

    fn input(&mut self, path: &str, name: &str, json: &Json, short: bool) -> Option<Input> {
        let path = join(path, name);
        if name.is_empty() {
            self.fault(format!("`{path}` has no name"));
        }
        let plain = |weight| Input { name: name.into(), weight, mean: 0.0, scale: 1.0, missing: 0.0 };
        if short {
            return self.number(&path, json).map(plain);
        }
        let Json::Object(members) = json else {
            let help = "must be an object such as {\"weight\": 0.2}";
            self.fault(format!("`{path}` {help}; this is {}", json.what()));
            return None;
        };
        self.keys(&path, members, &INPUT_KEYS);
        let mut read = plain(0.0);
        match get(members, "weight") {
            Some(weight) => read.weight = self.number(&join(&path, "weight"), weight)?,
            None => return self.required(&join(&path, "weight")),
        }
        for (key, place) in
            [("mean", &mut read.mean), ("scale", &mut read.scale), ("missing", &mut read.missing)]
        {
            if let Some(json) = get(members, key)
                && let Some(n) = self.number(&join(&path, key), json)
            {
                *place = n;
            }
        }
        if read.scale <= 0.0 {
            self.fault(format!("`{path}.scale` is {}; what is divided by must be above 0", read.scale));
        }
        Some(read)
    }
}

/// The member of that name, the first if there are several.
fn get<'a>(members: &'a [(String, Json)], key: &str) -> Option<&'a Json> {
    members.iter().find(|(name, _)| name == key).map(|(_, json)| json)
}

fn join(path: &str, key: &str) -> String {
    let key = shown(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// What the file says, on one line and short.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOT: &str = r#"{
        "kind": "linear", "name": "bot", "bias": -2.0, "note": "by hand",
        "inputs": {
            "hosting": {"weight": 1.5},
            "form_secs": {"weight": -0.5, "missing": 0.25, "mean": 2.0, "scale": 4}
        }
    }"#;

    #[test]
    fn a_model_is_read_and_scores() {
        let model = Linear::parse(BOT).unwrap();
        assert_eq!(model.name(), Some("bot"));
        assert_eq!(model.inputs().collect::<Vec<_>>(), ["form_secs", "hosting"]);
        let check = |inputs: &[Option<f64>], expect: Option<f64>| assert_eq!(model.score(inputs), expect);
        check(&[Some(2.0), Some(0.0)], Some(-2.0));
        check(&[Some(10.0), Some(1.0)], Some(-2.0 - 1.0 + 1.5));
        check(&[None, Some(1.0)], Some(-2.0 + 0.25 + 1.5));
        check(&[Some(2.0), None], Some(-2.0));
        check(&[], Some(-1.75));
        check(&[Some(f64::MAX), Some(f64::NAN)], None);
    }

    #[test]
    fn a_score_beyond_floats_is_none() {
        let model = Linear::parse(r#"{"kind":"linear","bias":0,"weights":{"x":1e308}}"#).unwrap();
        assert_eq!(model.score(&[Some(1.0)]), Some(1e308));
        assert_eq!(model.score(&[Some(10.0)]), None);
    }

    #[test]
    fn the_order_in_the_file_is_no_matter() {
        let check = |inputs: &str| {
            Linear::parse(&format!(r#"{{"kind":"linear","bias":0.1,"weights":{{{inputs}}}}}"#)).unwrap()
        };
        assert_eq!(check(r#""a":0.1,"b":0.2,"c":0.3"#), check(r#""c":0.3,"a":0.1,"b":0.2"#));
    }

    #[test]
    fn what_raises_the_score_most_comes_first() {
        let model =
            Linear::parse(r#"{"kind":"linear","bias":9,"weights":{"d":1,"b":1,"a":-3,"c":2,"e":-1}}"#)
                .unwrap();
        let each = model.contributions(&[Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(0.0)]);
        assert_eq!(each, [("c", 2.0), ("b", 1.0), ("d", 1.0), ("e", 0.0), ("a", -3.0)]);
        let none = model.contributions(&[Some(0.0)]);
        assert_eq!(none.iter().map(|(name, _)| *name).collect::<String>(), "abcde", "-0.0 and 0.0 are a tie");
    }

    #[test]
    fn every_fault_is_told() {
        let check =
            |text: &str, expect: &[&str]| assert_eq!(Linear::parse(text).unwrap_err(), expect, "{text}");
        check("", &["the model is not JSON: EOF while parsing a value at line 1 column 0"]);
        check("[1]", &["the model must be an object; this is an array"]);
        check("{}", &["`kind` is missing", "`bias` is missing", "`inputs` is missing"]);
        check(
            r#"{"kind":"tree","name":1,"bais":2,"bias":"2","note":null,"weights":[1,2],"zzz":0}"#,
            &[
                "`bais` is unknown; did you mean `bias`?",
                "`zzz` is unknown; known are: kind, name, note, bias, inputs, weights",
                "`kind` is \"tree\"; the one kind there is is \"linear\"",
                "`name` must be text; this is a number",
                "`note` must be text; this is null",
                "`bias` must be a finite number; this is text",
                "`weights` must be an object; this is an array",
            ],
        );
        check(
            r#"{"kind":"linear","kind":"linear","kind":"linear","bias":0,"weights":{"x":1,"y":true,"x":2,"":1}}"#,
            &[
                "`kind` is there twice",
                "`weights.x` is there twice",
                "`weights.y` must be a finite number; this is true or false",
                "`weights.` has no name",
            ],
        );
        check(
            r#"{"kind":"linear","bias":0,"inputs":{
                "a":{"wieght":1},"b":{"weight":1,"scale":0},"c":2,"d\n":{"weight":1,"mean":"0","mean":0}}}"#,
            &[
                "`inputs.a.wieght` is unknown; did you mean `weight`?",
                "`inputs.a.weight` is missing",
                "`inputs.b.scale` is 0; what is divided by must be above 0",
                "`inputs.c` must be an object such as {\"weight\": 0.2}; this is a number",
                "`inputs.d\\n.mean` is there twice",
                "`inputs.d\\n.mean` must be a finite number; this is text",
            ],
        );
        check(
            r#"{"kind":"linear","bias":0,"inputs":{},"weights":{}}"#,
            &["`inputs` and `weights` are both there; `weights` is the short form of `inputs`"],
        );
        let endless = r#"{"kind":"linear","bias":1e999,"weights":{}}"#;
        check(endless, &["the model is not JSON: number out of range at line 1 column 29"]);
    }

    #[test]
    fn models_are_bounded() {
        let model = |inputs: usize, weight: &str| {
            let weights: Vec<String> = (0..inputs).map(|n| format!("\"x{n}\":{weight}")).collect();
            Linear::parse(&format!(r#"{{"kind":"linear","bias":0,"weights":{{{}}}}}"#, weights.join(",")))
        };
        assert_eq!(model(limits::MODEL_INPUTS, "1").unwrap().inputs().len(), limits::MODEL_INPUTS);
        assert_eq!(
            model(limits::MODEL_INPUTS + 1, "1").unwrap_err(),
            ["`weights` has 4097 members; the most is 4096"]
        );
        assert_eq!(model(1_000, "null").unwrap_err().len(), limits::DIAGNOSTICS);
        assert!(Linear::parse(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn a_score_is_the_bias_and_what_each_adds(
            weights in prop::collection::vec(-5.0f64..5.0, 0..20),
            inputs in prop::collection::vec(prop::option::of(-9.0f64..9.0), 20),
        ) {
            let members: Vec<String> =
                weights.iter().enumerate().map(|(n, w)| format!("\"x{n}\":{{\"weight\":{w:?},\"missing\":1}}")).collect();
            let text = format!(r#"{{"kind":"linear","bias":-1,"inputs":{{{}}}}}"#, members.join(","));
            let model = Linear::parse(&text).unwrap();
            let by_name = |name: &str| name[1..].parse::<usize>().unwrap();
            let given: Vec<Option<f64>> = model.inputs().map(|name| inputs[by_name(name)]).collect();
            let expect: f64 = weights.iter().zip(&inputs).map(|(w, x)| x.map_or(1.0, |x| w * x)).sum::<f64>() - 1.0;
            prop_assert!((model.score(&given).unwrap() - expect).abs() < 1e-9);
            let added: f64 = model.contributions(&given).iter().map(|(_, nats)| nats).sum();
            prop_assert!((added - 1.0 - expect).abs() < 1e-9);
        }

        #[test]
        fn no_text_panics(text in "[{}\\[\\]\",:a-z0-9 ]{0,60}|.{0,60}") {
            let _ = Linear::parse(&text);
        }
    }
}
