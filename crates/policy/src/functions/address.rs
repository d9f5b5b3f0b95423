// SPDX-License-Identifier: Apache-2.0
//! Functions of addresses and networks. Who holds an address and where it is are facts, not functions.

use super::{Class, Eval, Form, Function, Gives, Param};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardroom_event::{Part, Type, Value};

const IP: Param = Param::new("ip", Class::Is(Type::Ip));

/// A question about an address; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[IP],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Bool),
    eval: Eval::Any(is_private),
    cost: 5,
    group: "Addresses",
    doc: "",
    examples: &[],
};

pub(super) const ALL: &[Function] = &[
    Function {
        name: "is_private",
        doc: "Whether an address is of no use beyond its own network: 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC \
              1918), 100.64.0.0/10 (behind a provider's NAT), 127.0.0.0/8, 169.254.0.0/16, 0.0.0.0/8; `fc00::/7`, \
              `fe80::/10`, `::1` and `::`.",
        examples: &[
            ("is_private(\"192.168.1.7\")", "true"),
            ("is_private(\"203.0.113.7\")", "false"),
            ("is_private(\"fd00::1\")", "true"),
        ],
        ..BASE
    },
    Function {
        name: "net",
        params: &[IP, Param::written("prefix", Type::Int)],
        gives: Gives::Is(Type::Net),
        eval: Eval::Any(net),
        cost: 20,
        doc: "The network of that prefix length that holds an address. Missing for an IPv4 address and a prefix above 32. \
              For the usual lengths see `ip.net`.",
        examples: &[
            ("net(\"2001:db8:1:2::7\", 64)", "\"2001:db8:1:2::/64\""),
            ("net(\"203.0.113.7\", 16)", "\"203.0.0.0/16\""),
            ("net(\"203.0.113.7\", 64)", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "net",
        params: &[IP, Param::written("v4", Type::Int), Param::written("v6", Type::Int)],
        gives: Gives::Is(Type::Net),
        eval: Eval::Any(net),
        cost: 20,
        doc: "The same with a prefix length for each of the two kinds of address.",
        examples: &[
            ("net(\"203.0.113.7\", 16, 32)", "\"203.0.0.0/16\""),
            ("net(\"2001:db8:1:2::7\", v4=16, v6=32)", "\"2001:db8::/32\""),
        ],
        ..BASE
    },
    Function {
        name: "same_net",
        params: &[Param::new("a", Class::Is(Type::Ip)), Param::new("b", Class::Is(Type::Ip))],
        eval: Eval::Any(same_net),
        cost: 30,
        doc: "Whether two addresses are of one network as these are usually given out: `a.net == b.net`.",
        examples: &[
            ("same_net(\"203.0.113.7\", \"203.0.113.200\")", "true"),
            ("same_net(\"203.0.113.7\", \"203.0.114.7\")", "false"),
            ("same_net(\"203.0.113.7\", \"2001:db8::7\")", "false"),
        ],
        ..BASE
    },
];

fn is_private(args: &[&Value]) -> Value {
    match args {
        [Value::Ip(IpAddr::V4(ip))] => Value::Bool(is_private_v4(*ip)),
        [Value::Ip(IpAddr::V6(ip))] => Value::Bool(is_private_v6(*ip)),
        _ => Value::Missing,
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let shared = first == 100 && second & 0b1100_0000 == 64;
    ip.is_private() || shared || ip.is_loopback() || ip.is_link_local() || first == 0
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback() || ip.is_unspecified()
}

fn net(args: &[&Value]) -> Value {
    let (ip, prefix) = match args {
        [Value::Ip(ip), Value::Int(prefix)] => (ip, prefix),
        [Value::Ip(ip), Value::Int(v4), Value::Int(v6)] => (ip, if ip.is_ipv4() { v4 } else { v6 }),
        _ => return Value::Missing,
    };
    let net = u8::try_from(*prefix).ok().and_then(|prefix| IpNet::new(*ip, prefix).ok());
    net.map_or(Value::Missing, |net| Value::Net(net.trunc()))
}

fn same_net(args: &[&Value]) -> Value {
    match args {
        [a @ Value::Ip(_), b @ Value::Ip(_)] => Value::Bool(Part::IpNet.of(a) == Part::IpNet.of(b)),
        _ => Value::Missing,
    }
}
