// SPDX-License-Identifier: Apache-2.0
//! `rule`: a condition, what follows, and why.

use super::super::cursor::{Cursor, Parsed};
use super::super::express::expression;
use super::super::layout::Block;
use super::super::lex::Kind;
use super::super::tree::{Decl, ModeDecl, RuleDecl};
use super::clauses::Clauses;
use super::template::template;
use super::{RULE_CLAUSES, colon};
use wardroom_report::{Loc, Sources};

/// What a rule must say, with how to say it.
const RULE_NEEDS: [(&str, &str); 3] = [
    ("when", "say what must hold: when failures > 10"),
    ("then", "say what follows: then block"),
    ("because", "say why, for a person to read: because \"{failures} failures from {ip}\""),
];

pub(super) fn rule(c: &mut Cursor<'_, '_>, b: &Block<'_>, s: &Sources, start: Loc) -> Parsed<Decl> {
    let name = c.new_name("the rule's name")?;
    let Ok(on) = super::score::on(c, "rule judges") else {
        return Ok(Decl::Broken { what: "rule", name });
    };
    let ended = colon(c, "rule");
    let loc = name.loc;
    let doc = comment_above(s.text(start.file), start.start as usize);
    let mut rule = RuleDecl {
        name,
        on,
        doc,
        when: None,
        then: vec![],
        because: None,
        mode: None,
        missing: None,
        owner: None,
        expires: None,
        was: None,
    };
    let mut clauses = Clauses::new("rule", &RULE_CLAUSES, &[]);
    for line in &b.lines {
        let mut c = Cursor::new(line, loc, c.diagnostics);
        if let Ok(word) = clauses.open(&mut c, line) {
            let _ = rule_clause(&mut c, word, &mut rule, s);
        }
    }
    if ended {
        clauses.require(&rule.name, &RULE_NEEDS, c.diagnostics);
    }
    Ok(Decl::Rule(rule))
}

fn rule_clause(c: &mut Cursor<'_, '_>, word: &str, rule: &mut RuleDecl, s: &Sources) -> Parsed<()> {
    match word {
        "when" => {
            let when = expression(c)?;
            // Half a condition may look wrong where the whole is not.
            c.finish("`when`")?;
            rule.when = Some(when);
        }
        "then" => {
            if c.at_end() {
                return Err(c.unexpected("a verdict or an effect, such as block"));
            }
            rule.then.push(expression(c)?);
            while c.eat(",") {
                rule.then.push(expression(c)?);
            }
        }
        "because" => rule.because = Some(template(c, s)?),
        "mode" => rule.mode = Some(mode(c)?),
        "missing" => rule.missing = Some(c.name("false, true or review")?),
        "expires" => rule.expires = Some(c.text("a point in time, in quotes")?),
        "was" => rule.was = Some(c.text("the rule's name before, in quotes")?),
        _ => rule.owner = Some(c.text("the owner, in quotes")?),
    }
    c.finish(&format!("`{word}`"))
}

/// `shadow`, `canary 5%`, `canary 5% by account`.
fn mode(c: &mut Cursor<'_, '_>) -> Parsed<ModeDecl> {
    let name = c.name("a mode: draft, shadow, canary, live or retired")?;
    let mut mode = ModeDecl { name, share: None, by: None };
    // Only a canary has a share; the checker says so where another mode has one in plain figures.
    let figures = matches!(c.peek(), Some(Kind::Int(_) | Kind::Number(_)));
    let share = figures && matches!(c.peek_second(), Some(Kind::Mark("%")));
    if share || (mode.name.name == "canary" && is_more(c)) {
        mode.share = Some(expression(c)?);
        c.expect("%", "after the share of a canary")?;
    }
    if c.eat_word("by") {
        mode.by = Some(expression(c)?);
    }
    Ok(mode)
}

fn is_more(c: &Cursor<'_, '_>) -> bool {
    !c.at_end() && !c.is_word("by")
}

/// The comment lines right above the line that begins at `start`, without their marks: from the first at the margin on,
/// since what is indented before it belongs to what stands above.
pub(crate) fn comment_above(text: &str, start: usize) -> String {
    let above = text.get(..start).unwrap_or("").trim_end_matches(' ');
    let mut lines = Vec::new();
    let mut whole = 0;
    for line in above.strip_suffix('\n').unwrap_or(above).rsplit('\n') {
        let Some(comment) = line.trim().strip_prefix('#') else { break };
        lines.push(comment.strip_prefix(' ').unwrap_or(comment));
        if line.starts_with('#') {
            whole = lines.len();
        }
    }
    lines.truncate(whole);
    lines.reverse();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_above_is_found() {
        let check = |text: &str, expect: &str| {
            let start = text.find("rule").unwrap();
            assert_eq!(comment_above(text, start), expect);
        };
        check("rule", "");
        check("# a\n# b\nrule", "a\nb");
        check("# a\n\n# b\r\nrule", "b");
        check("feature\nrule", "");
        check("rul e\n    # a\n# b\n  # c\nrule", "b\nc");
        check("rul e\n    # a\nrule", "");
    }
}
