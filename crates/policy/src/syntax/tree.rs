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
#[allow(clippy::large_enum_variant, reason = "most declarations are rules, which are the largest")]
pub(crate) enum Decl {
    Event(EventDecl),
    Record(RecordDecl),
    Const(ConstDecl),
    Feature(FeatureDecl),
    List(ListDecl),
    Table(TableDecl),
    Model(ModelDecl),
    Evidence(EvidenceDecl),
    Score(ScoreDecl),
    Rule(RuleDecl),
    Budget(BudgetDecl),
    Test(TestDecl),
    /// A declaration whose name is all that could be read. What uses it is not at fault.
    Broken {
        what: &'static str,
        name: Ident,
    },
}

impl Decl {
    /// The name under which a folder knows it; event types and records belong to none.
    pub(crate) fn name(&self) -> Option<&Ident> {
        match self {
            Decl::Const(decl) => Some(&decl.name),
            Decl::Feature(decl) => Some(&decl.name),
            Decl::List(decl) => Some(&decl.name),
            Decl::Table(decl) => Some(&decl.name),
            Decl::Model(decl) => Some(&decl.name),
            Decl::Evidence(decl) => Some(&decl.name),
            Decl::Score(decl) => Some(&decl.name),
            Decl::Rule(decl) => Some(&decl.name),
            Decl::Broken { name, .. } => Some(name),
            Decl::Event(_) | Decl::Record(_) | Decl::Budget(_) | Decl::Test(_) => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct EventDecl {
    pub(crate) name: Ident,
    /// Empty only where no line stands below it.
    pub(crate) fields: Vec<FieldDecl>,
}

/// The shape of what a list field holds.
#[derive(Debug)]
pub(crate) struct RecordDecl {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<FieldDecl>,
}

#[derive(Debug)]
pub(crate) struct FieldDecl {
    pub(crate) name: Ident,
    /// `None` where it could not be read, which has been reported.
    pub(crate) kind: Option<TypeExpr>,
    pub(crate) optional: bool,
    /// Where it says that its value is kept as a keyed hash.
    pub(crate) hashed: Option<Loc>,
}

/// A type as it is written.
#[derive(Clone, Debug)]
pub(crate) enum TypeExpr {
    Named(Ident),
    /// `enum("free", "paid")`.
    OneOf {
        loc: Loc,
        members: Vec<Ident>,
    },
    /// `list(url)`, `list(attachment)`.
    ListOf {
        loc: Loc,
        of: Ident,
    },
}

/// A literal under a name.
#[derive(Debug)]
pub(crate) struct ConstDecl {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
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
    /// `domain suffix`: each entry holds itself and all below it.
    pub(crate) suffix: Option<Loc>,
    pub(crate) from: ListFrom,
}

#[derive(Debug)]
pub(crate) enum ListFrom {
    Nothing,
    Inline(Vec<Expr>),
    File(Ident),
}

/// `table NAME(column: type, …) -> type`, with rows below it or from a file.
#[derive(Debug)]
pub(crate) struct TableDecl {
    pub(crate) name: Ident,
    pub(crate) columns: Vec<(Ident, Ident)>,
    pub(crate) result: Ident,
    pub(crate) rows: Vec<RowDecl>,
    /// What holds where no row fits, and where that is written.
    pub(crate) otherwise: Option<Expr>,
    pub(crate) file: Option<Ident>,
}

#[derive(Debug)]
pub(crate) struct RowDecl {
    pub(crate) cells: Vec<CellDecl>,
    pub(crate) value: Expr,
    pub(crate) loc: Loc,
}

/// What a column of a row asks for.
#[derive(Clone, Debug)]
pub(crate) enum CellDecl {
    Any,
    Is(Expr),
    Among(Vec<Expr>),
    /// `< 5`, `>= "1d"`.
    Than(CompareOp, Expr),
    /// From the first, without the second.
    To(Expr, Expr),
}

/// `model NAME on EVENT from "file.json":`, its inputs below it.
#[derive(Debug)]
pub(crate) struct ModelDecl {
    pub(crate) name: Ident,
    pub(crate) on: Ident,
    pub(crate) file: Ident,
    pub(crate) inputs: Vec<(Ident, Expr)>,
}

/// A term for or against, in nats.
#[derive(Debug)]
pub(crate) struct EvidenceDecl {
    pub(crate) name: Ident,
    pub(crate) on: Ident,
    pub(crate) weigh: Option<Expr>,
    pub(crate) capped: Option<(Expr, Expr)>,
    pub(crate) because: Option<Vec<TemplatePiece>>,
}

/// `score NAME on EVENT = sum(…)`.
#[derive(Debug)]
pub(crate) struct ScoreDecl {
    pub(crate) name: Ident,
    pub(crate) on: Ident,
    pub(crate) value: Expr,
}

/// `budget EVENT = "100us"`.
#[derive(Debug)]
pub(crate) struct BudgetDecl {
    pub(crate) event: Ident,
    pub(crate) most: Ident,
}

#[derive(Debug)]
pub(crate) struct RuleDecl {
    pub(crate) name: Ident,
    pub(crate) on: Ident,
    /// The comment right above it, without its marks.
    pub(crate) doc: String,
    pub(crate) when: Option<Expr>,
    pub(crate) then: Vec<Expr>,
    pub(crate) because: Option<Vec<TemplatePiece>>,
    pub(crate) mode: Option<ModeDecl>,
    pub(crate) missing: Option<Ident>,
    pub(crate) owner: Option<Ident>,
    pub(crate) expires: Option<Ident>,
    pub(crate) was: Option<Ident>,
}

/// `mode shadow`, `mode canary 5% by account`.
#[derive(Debug)]
pub(crate) struct ModeDecl {
    pub(crate) name: Ident,
    pub(crate) share: Option<Expr>,
    pub(crate) by: Option<Expr>,
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
    /// What is known beside the events: `ip.kind = "hosting"`.
    pub(crate) facts: Vec<(Expr, Expr)>,
    pub(crate) when: Option<Expr>,
    /// When the event to judge happens.
    pub(crate) at: Option<Ident>,
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
    pub(crate) effects: Vec<Expr>,
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
    /// `body for var in over if filter`, within a call.
    Each {
        body: Box<Expr>,
        var: Ident,
        over: Box<Expr>,
        filter: Option<Box<Expr>>,
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
            ExprKind::Each { body, over, filter, .. } => {
                filter.as_ref().map_or(0, |f| f.height).max(body.height).max(over.height)
            }
            ExprKind::If { then, cond, other } => then.height.max(cond.height).max(other.height),
        }
    }
}

impl ExprKind {
    /// The expressions it is made of.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            ExprKind::Name(_) | ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) => Vec::new(),
            ExprKind::Bool(_) | ExprKind::Bad => Vec::new(),
            ExprKind::Attr(of, _) | ExprKind::Not(of) | ExprKind::Neg(of) => vec![of],
            ExprKind::IsMissing { of, .. } => vec![of],
            ExprKind::Call(of, args) => std::iter::once(&**of).chain(args.iter().map(|a| &a.value)).collect(),
            ExprKind::Items(parts) | ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().collect(),
            ExprKind::Arith(_, a, b) | ExprKind::Compare(_, a, b) => vec![a, b],
            ExprKind::In { needle, hay, .. } => vec![needle, hay],
            ExprKind::Each { body, over, filter, .. } => {
                [&**body, &**over].into_iter().chain(filter.as_deref()).collect()
            }
            ExprKind::If { then, cond, other } => vec![then, cond, other],
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
