// SPDX-License-Identifier: Apache-2.0
//! Colours: what each stretch of a file is.

use crate::files::View;
use lsp_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};
use wardroom_policy::ide::TokenKind;

/// The types and modifiers that numbers stand for.
pub(crate) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: TokenKind::ALL.into_iter().map(name).collect(),
        token_modifiers: vec![SemanticTokenModifier::DECLARATION, SemanticTokenModifier::READONLY],
    }
}

fn name(kind: TokenKind) -> SemanticTokenType {
    match kind {
        TokenKind::Keyword => SemanticTokenType::KEYWORD,
        TokenKind::Type => SemanticTokenType::TYPE,
        TokenKind::Event => SemanticTokenType::EVENT,
        TokenKind::Field => SemanticTokenType::PROPERTY,
        TokenKind::Feature | TokenKind::Constant => SemanticTokenType::VARIABLE,
        TokenKind::Rule => SemanticTokenType::CLASS,
        TokenKind::Function => SemanticTokenType::FUNCTION,
        TokenKind::Argument => SemanticTokenType::PARAMETER,
        TokenKind::Verdict => SemanticTokenType::ENUM_MEMBER,
        TokenKind::Text => SemanticTokenType::STRING,
        TokenKind::Number => SemanticTokenType::NUMBER,
        TokenKind::Sign => SemanticTokenType::OPERATOR,
        TokenKind::Comment => SemanticTokenType::COMMENT,
    }
}

pub(crate) fn tokens(view: &View) -> SemanticTokens {
    let lines = view.lines();
    let (mut line, mut start) = (0, 0);
    let mut data = Vec::new();
    for token in view.analysis().tokens(view.file) {
        let range = lines.of_loc(token.loc);
        // A token of a policy never crosses a line; a `\r` alone makes one that does, and such a one has no colour.
        if range.start.line != range.end.line || range.start == range.end {
            continue;
        }
        let delta_line = range.start.line - line;
        let delta_start = range.start.character - if delta_line == 0 { start } else { 0 };
        (line, start) = (range.start.line, range.start.character);
        let number = TokenKind::ALL.iter().position(|kind| *kind == token.kind).unwrap_or_default();
        let readonly = u32::from(token.kind == TokenKind::Constant);
        data.push(SemanticToken {
            delta_line,
            delta_start,
            length: range.end.character - range.start.character,
            token_type: u32::try_from(number).unwrap_or_default(),
            token_modifiers_bitset: u32::from(token.declares) | (readonly << 1),
        });
    }
    SemanticTokens { result_id: None, data }
}
