// SPDX-License-Identifier: Apache-2.0
//! `model`, `evidence` and `score`: what speaks for or against, in nats.

use super::super::cursor::{Cursor, Parsed, Stopped};
use super::super::express::expression;
use super::super::layout::Block;
use super::super::tree::{Decl, EvidenceDecl, Expr, Ident, ModelDecl, ScoreDecl};
use super::clauses::Clauses;
use super::list::assigned;
use super::template::template;
use super::{EVIDENCE_CLAUSES, colon};
use wardroom_report::Sources;

/// What evidence must say, with how to say it.
const EVIDENCE_NEEDS: [(&str, &str); 2] = [
    ("weigh", "say how much it speaks for abuse, in nats: weigh log(a / b) capped -2 to 6"),
    ("because", "say why, for a person to read: because \"{account} was never seen on {ip.net}\""),
];

/// `on EVENT`, after the name of what is declared.
pub(super) fn on(c: &mut Cursor<'_, '_>, what: &str) -> Parsed<Ident> {
    if !c.eat_word("on") {
        let _ = c.unexpected(&format!("`on` and the event type the {what}"));
    }
    c.name(&format!("the event type the {what}"))
}

pub(super) fn model(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.new_name("the model's name")?;
    let Ok((on, file)) = model_head(c) else {
        return Ok(Decl::Broken { what: "model", name });
    };
    let mut inputs = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, name.loc, c.diagnostics);
        inputs.extend(input(&mut c));
    }
    Ok(Decl::Model(ModelDecl { name, on, file, inputs }))
}

fn model_head(c: &mut Cursor<'_, '_>) -> Parsed<(Ident, Ident)> {
    let on = on(c, "model looks at")?;
    if !c.eat_word("from") {
        return Err(c.unexpected("`from` and the name of the model's file"));
    }
    let file = c.text("the name of the model's file, in quotes")?;
    colon(c, "model");
    Ok((on, file))
}

fn input(c: &mut Cursor<'_, '_>) -> Parsed<(Ident, Expr)> {
    let name = c.name("the name of an input")?;
    let value = assigned(c, "the input's value", "the input")?;
    Ok((name, value))
}

pub(super) fn evidence(c: &mut Cursor<'_, '_>, b: &Block<'_>, s: &Sources) -> Parsed<Decl> {
    let name = c.new_name("the evidence's name")?;
    let Ok(on) = on(c, "evidence is about") else {
        return Ok(Decl::Broken { what: "evidence", name });
    };
    let ended = colon(c, "evidence");
    let mut evidence = EvidenceDecl { name, on, weigh: None, capped: None, because: None };
    let mut clauses = Clauses::new("evidence", &EVIDENCE_CLAUSES, &[]);
    for line in &b.lines {
        let mut c = Cursor::new(line, evidence.name.loc, c.diagnostics);
        if let Ok(word) = clauses.open(&mut c, line) {
            let _ = evidence_clause(&mut c, word, &mut evidence, s);
        }
    }
    if ended {
        clauses.require(&evidence.name, &EVIDENCE_NEEDS, c.diagnostics);
    }
    Ok(Decl::Evidence(evidence))
}

fn evidence_clause(
    c: &mut Cursor<'_, '_>,
    word: &str,
    evidence: &mut EvidenceDecl,
    s: &Sources,
) -> Parsed<()> {
    if word == "because" {
        evidence.because = Some(template(c, s)?);
        return c.finish("`because`");
    }
    let weigh = expression(c)?;
    if c.eat_word("capped") {
        let least = expression(c)?;
        if !c.eat_word("to") {
            return Err(c.unexpected("`to` and the most it may weigh"));
        }
        evidence.capped = Some((least, expression(c)?));
    }
    c.finish("`weigh`")?;
    evidence.weigh = Some(weigh);
    Ok(())
}

pub(super) fn score(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the score's name")?;
    let whole = on(c, "score is about").and_then(|on| Ok((on, assigned(c, "what it sums up", "the score")?)));
    Ok(match whole {
        Ok((on, value)) => Decl::Score(ScoreDecl { name, on, value }),
        Err(Stopped) => Decl::Broken { what: "score", name },
    })
}
