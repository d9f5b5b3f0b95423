// SPDX-License-Identifier: Apache-2.0
//! The tree: what was written, before any name has a meaning.

use wardroom_event::Span;
use wardroom_report::Loc;

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) namespace: String,
    pub(crate) decls: Vec<Decl>,
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ident {
    pub(crate) name: String,
    pub(crate) loc: Loc,
}

/// A declaration.
#[derive(Debug)]
pub(crate) enum Decl {
    Event(EventDecl),
    Feature(FeatureDecl),
    List(ListDecl),
    Rule(RuleDecl),
    Test(TestDecl),
}

#[derive(Debug)]
pub(crate) struct EventDecl {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<FieldDecl>,
}

#[derive(Debug)]
pub(crate) struct FieldDecl {
    pub(crate) name: Ident,
    pub(crate) kind: Ident,
    pub(crate) optional: bool,
}

#[derive(Debug)]
pub(crate) struct FeatureDecl {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

#[derive(Debug)]
pub(crate) struct ListDecl {
    pub(crate) name: Ident,
    pub(crate) kind: Ident,
    pub(crate) from: ListFrom,
}

#[derive(Debug)]
pub(crate) enum ListFrom {
    Nothing,
    Inline(Vec<Expr>),
    File(Ident),
}

#[derive(Debug)]
pub(crate) struct RuleDecl {
    pub(crate) name: Ident,
    pub(crate) on: Ident,
    pub(crate) when: Option<Expr>,
    pub(crate) then: Vec<Expr>,
    pub(crate) because: Option<Vec<TemplatePiece>>,
    pub(crate) mode: Option<Ident>,
    pub(crate) missing: Option<Ident>,
    pub(crate) owner: Option<Ident>,
}

#[derive(Debug)]
pub(crate) enum TemplatePiece {
    Text(String),
    Expr(Expr),
}

#[derive(Debug)]
pub(crate) struct TestDecl {
    pub(crate) name: Ident,
    pub(crate) title: Option<String>,
    pub(crate) given: Vec<GivenDecl>,
    pub(crate) when: Option<Expr>,
    pub(crate) expect: Option<ExpectDecl>,
}

#[derive(Debug)]
pub(crate) struct GivenDecl {
    pub(crate) times: i64,
    pub(crate) event: Expr,
    pub(crate) within: Span,
    pub(crate) ago: Span,
}

#[derive(Debug)]
pub(crate) struct ExpectDecl {
    pub(crate) verdict: Ident,
    pub(crate) by: Option<Expr>,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Name(String),
    Int(i64),
    Number(f64),
    Text(String),
    Bool(bool),
    Attr(Box<Expr>, Ident),
    Call(Box<Expr>, Vec<Arg>),
    /// `[a, b]` or `(a, b)`.
    Items(Vec<Expr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Arith(ArithOp, Box<Expr>, Box<Expr>),
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    In {
        needle: Box<Expr>,
        hay: Box<Expr>,
        negated: bool,
    },
    IsMissing {
        of: Box<Expr>,
        negated: bool,
    },
    If {
        then: Box<Expr>,
        cond: Box<Expr>,
        other: Box<Expr>,
    },
}

/// An argument of a call, named or not.
#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub(crate) name: Option<Ident>,
    pub(crate) value: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArithOp {
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl ArithOp {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            ArithOp::Add => "+",
            ArithOp::Sub => "-",
            ArithOp::Mul => "*",
            ArithOp::Div => "/",
        }
    }
}

impl CompareOp {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }

    /// Whether it asks for an order, not only for sameness.
    pub(crate) fn orders(self) -> bool {
        !matches!(self, CompareOp::Eq | CompareOp::Ne)
    }
}
