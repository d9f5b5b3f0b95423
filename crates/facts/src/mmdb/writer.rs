// SPDX-License-Identifier: Apache-2.0
//! A writer of tiny MMDB files for tests, by the format's description: <https://maxmind.github.io/MaxMind-DB/>.

use std::net::IpAddr;

use ipnet::IpNet;

/// A value in a record.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Map(Vec<(String, Data)>),
    List(Vec<Data>),
    Text(String),
    Whole(u64),
    /// Of two bytes and of four: a file's description wants them so.
    Short(u16),
    Long(u32),
    Number(f64),
    Bool(bool),
}

impl Data {
    /// Reads JSON: enough of it to write records down.
    pub(crate) fn parse(json: &str) -> Data {
        let rest = &mut json.trim();
        let data = Data::take(rest);
        assert!(rest.trim().is_empty(), "left over: {rest}");
        data
    }

    fn take(rest: &mut &str) -> Data {
        *rest = rest.trim_start();
        match rest.as_bytes()[0] {
            b'{' => Data::Map(Data::items(rest, '}', |rest| {
                let Data::Text(key) = Data::take(rest) else { panic!("a key is text") };
                *rest = rest.trim_start().strip_prefix(':').unwrap();
                (key, Data::take(rest))
            })),
            b'[' => Data::List(Data::items(rest, ']', Data::take)),
            b'"' => {
                let (text, after) = rest[1..].split_once('"').unwrap();
                *rest = after;
                Data::Text(text.to_owned())
            }
            _ => {
                let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                *rest = after;
                match word.trim() {
                    "true" => Data::Bool(true),
                    "false" => Data::Bool(false),
                    word => word.parse().map_or_else(|_| Data::Number(word.parse().unwrap()), Data::Whole),
                }
            }
        }
    }

    fn items<T>(rest: &mut &str, close: char, item: impl Fn(&mut &str) -> T) -> Vec<T> {
        let mut items = Vec::new();
        *rest = rest[1..].trim_start();
        while !rest.starts_with(close) {
            items.push(item(rest));
            *rest = rest.trim_start();
            *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        *rest = &rest[1..];
        items
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Data::Text(text) => {
                control(out, 2, text.len());
                out.extend(text.bytes());
            }
            Data::Number(number) => {
                control(out, 3, 8);
                out.extend(number.to_be_bytes());
            }
            Data::Whole(number) => {
                control(out, 9, 8);
                out.extend(number.to_be_bytes());
            }
            Data::Short(number) => {
                control(out, 5, 2);
                out.extend(number.to_be_bytes());
            }
            Data::Long(number) => {
                control(out, 6, 4);
                out.extend(number.to_be_bytes());
            }
            Data::Map(members) => {
                control(out, 7, members.len());
                for (key, value) in members {
                    Data::Text(key.clone()).write(out);
                    value.write(out);
                }
            }
            Data::List(items) => {
                control(out, 11, items.len());
                items.iter().for_each(|item| item.write(out));
            }
            Data::Bool(value) => control(out, 14, usize::from(*value)),
        }
    }
}

/// The first byte or bytes of a value: its type and its size.
fn control(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (bits, more) = match u8::try_from(size).unwrap() {
        small @ 0..29 => (small, None),
        large => (29, Some(large - 29)),
    };
    match kind {
        1..8 => out.push(kind << 5 | bits),
        _ => out.extend([bits, kind - 7]),
    }
    out.extend(more);
}

/// What a branch of the tree leads to.
#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A tree over IPv6, with IPv4 below `::/96`, and its data.
pub(crate) struct Writer {
    nodes: Vec<[Branch; 2]>,
    data: Vec<u8>,
    kind: String,
}

impl Writer {
    /// A file of that type with these networks, of which none may lie within another.
    pub(crate) fn new(kind: &str, nets: &[(&str, Data)]) -> Writer {
        let mut writer =
            Writer { nodes: vec![[Branch::Nothing; 2]], data: Vec::new(), kind: kind.to_owned() };
        for (net, data) in nets {
            let at = writer.data.len();
            data.write(&mut writer.data);
            writer.add(net.parse().unwrap(), at);
        }
        writer
    }

    fn add(&mut self, net: IpNet, data: usize) {
        let (bits, len) = match net.network() {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), net.prefix_len() + 96),
            IpAddr::V6(ip) => (u128::from(ip), net.prefix_len()),
        };
        let side = |depth: u8| (bits >> (127 - depth)) as usize & 1;
        let mut node = 0;
        for depth in 0..len - 1 {
            node = match self.nodes[node][side(depth)] {
                Branch::Node(next) => next,
                _ => {
                    self.nodes.push([Branch::Nothing; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[node][side(depth)] = Branch::Node(next);
                    next
                }
            };
        }
        self.nodes[node][side(len - 1)] = Branch::Data(data);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for branch in self.nodes.iter().flatten() {
            let value = match branch {
                Branch::Nothing => self.nodes.len(),
                Branch::Node(node) => *node,
                Branch::Data(at) => self.nodes.len() + 16 + at,
            };
            out.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
        }
        out.extend([0; 16]);
        out.extend(&self.data);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        self.metadata().write(&mut out);
        out
    }

    fn metadata(&self) -> Data {
        let members = [
            ("binary_format_major_version", Data::Short(2)),
            ("binary_format_minor_version", Data::Short(0)),
            ("build_epoch", Data::Whole(1_767_571_200)),
            ("database_type", Data::Text(self.kind.clone())),
            ("description", Data::parse(r#"{"en": "made by a test"}"#)),
            ("ip_version", Data::Short(6)),
            ("languages", Data::parse(r#"["en"]"#)),
            ("node_count", Data::Long(u32::try_from(self.nodes.len()).unwrap())),
            ("record_size", Data::Short(24)),
        ];
        Data::Map(members.map(|(key, value)| (key.to_owned(), value)).into())
    }
}
