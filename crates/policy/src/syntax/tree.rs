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
    /// A declaration whose name is all that could be read. What uses it is not at fault.
    Broken {
        what: &'static str,
        name: Ident,
    },
}

#[derive(Debug)]
pub(crate) struct EventDecl {
    pub(crate) name: Ident,
    /// Empty only where no line stands below it.
    pub(crate) fields: Vec<FieldDecl>,
}

#[derive(Debug)]
pub(crate) struct FieldDecl {
    pub(crate) name: Ident,
    /// `None` where it could not be read, which has been reported.
    pub(crate) kind: Option<Ident>,
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
    /// Levels from here to its deepest leaf, itself counted: walks over the tree are as deep as this.
    pub(crate) height: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Name(String),
    Int(i64),
    Number(f64),
    Text(String),
    Bool(bool),
    /// What could not be read, which has been reported.
    Bad,
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

impl ExprKind {
    /// The levels of an expression of this kind.
    pub(crate) fn height(&self) -> usize {
        let tallest = |exprs: &[Expr]| exprs.iter().map(|e| e.height).max().unwrap_or(0);
        1 + match self {
            ExprKind::Name(_) | ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) => 0,
            ExprKind::Bool(_) | ExprKind::Bad => 0,
            ExprKind::Attr(of, _)
            | ExprKind::Not(of)
            | ExprKind::Neg(of)
            | ExprKind::IsMissing { of, .. } => of.height,
            ExprKind::Call(of, args) => args.iter().map(|a| a.value.height).max().unwrap_or(0).max(of.height),
            ExprKind::Items(parts) | ExprKind::And(parts) | ExprKind::Or(parts) => tallest(parts),
            ExprKind::Arith(_, a, b)
            | ExprKind::Compare(_, a, b)
            | ExprKind::In { needle: a, hay: b, .. } => a.height.max(b.height),
            ExprKind::If { then, cond, other } => then.height.max(cond.height).max(other.height),
        }
    }
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

    /// The operator that says the same of the operands in the other order.
    pub(crate) fn mirrored(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }

    /// Whether it asks for an order, not only for sameness.
    pub(crate) fn orders(self) -> bool {
        !matches!(self, CompareOp::Eq | CompareOp::Ne)
    }
}
