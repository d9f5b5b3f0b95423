// SPDX-License-Identifier: Apache-2.0
//! One session: what it has been told, and which answer is whose.

use crate::answer::{self, Client};
use crate::files::{Files, View};
use crate::message::{
    Fault, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, NOT_INITIALIZED, notification,
};
use crate::text::Lines;
use crate::{Ended, uri};
use lsp_types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use wardroom_policy::page;

/// What follows a notification.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    On,
    End(Ended),
}

/// How far a session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Running,
    ShutDown,
}

#[derive(Default)]
pub(crate) struct Server {
    phase: Phase,
    client: Client,
    files: Files,
    /// What the client is to be told.
    told: Vec<Value>,
    /// What could not be read and has been said.
    troubles: Vec<String>,
}

type Answer = Result<Value, Fault>;

fn value(of: impl Serialize) -> Answer {
    serde_json::to_value(of).map_err(|e| Fault::new(INTERNAL_ERROR, e.to_string()))
}

fn params<P: DeserializeOwned>(params: Value) -> Result<P, Fault> {
    serde_json::from_value(params).map_err(|e| Fault::new(INVALID_PARAMS, format!("wrong parameters: {e}")))
}

impl Server {
    /// What the client is to be told, and is told by that.
    pub(crate) fn told(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, method: &str, params: impl Serialize) {
        if let Ok(params) = serde_json::to_value(params) {
            self.told.push(notification(method, params));
        }
    }

    fn show(&mut self, typ: MessageType, message: String) {
        self.tell("window/showMessage", ShowMessageParams { typ, message });
    }

    fn log(&mut self, message: String) {
        self.tell("window/logMessage", LogMessageParams { typ: MessageType::WARNING, message });
    }

    /// Answers a request.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Answer {
        match (self.phase, method) {
            (Phase::New, "initialize") => self.initialize(self::params(params)?),
            (Phase::New, _) => Err(Fault::new(NOT_INITIALIZED, "the first request is `initialize`")),
            (Phase::Running, "initialize") => Err(Fault::new(INVALID_REQUEST, "initialized before")),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            (Phase::Running, _) => self.answer(method, params),
            (Phase::ShutDown, _) => Err(Fault::new(INVALID_REQUEST, "the session is shut down")),
        }
    }

    fn initialize(&mut self, asked: InitializeParams) -> Answer {
        self.phase = Phase::Running;
        self.client = client(&asked.capabilities);
        let offered = asked.capabilities.general.and_then(|g| g.position_encodings);
        self.files.encoding = crate::text::Encoding::chosen(offered.as_deref());
        #[allow(deprecated, reason = "clients that know no workspace folders send it")]
        let root = asked.root_uri;
        let folders = asked.workspace_folders.unwrap_or_default().into_iter().map(|f| f.uri);
        self.files.workspaces = folders.chain(root).filter_map(|uri| uri::path(&uri)).collect();
        let encoding = self.files.encoding.kind();
        value(InitializeResult {
            capabilities: ServerCapabilities { position_encoding: Some(encoding), ..capabilities() },
            server_info: Some(ServerInfo {
                name: "wardroom".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    fn answer(&mut self, method: &str, params: Value) -> Answer {
        match method {
            "textDocument/hover" => self.at(params, |_, view, at| Ok(answer::hover(view, at))),
            "textDocument/completion" => {
                let client = self.client;
                self.at(params, move |_, view, at| Ok(answer::complete(view, at, client)))
            }
            "textDocument/signatureHelp" => self.at(params, |_, view, at| Ok(answer::signature(view, at))),
            "textDocument/definition" => {
                self.at(params, |files, view, at| Ok(answer::definition(files, view, at)))
            }
            "textDocument/documentHighlight" => {
                self.at(params, |_, view, at| Ok(answer::highlight(view, at)))
            }
            "textDocument/prepareRename" => self.at(params, |_, view, at| Ok(answer::prepare(view, at))),
            "textDocument/references" => self.references(self::params(params)?),
            "textDocument/rename" => self.rename(self::params(params)?),
            "textDocument/documentSymbol" => {
                let client = self.client;
                self.of(params, move |files, view| value(answer::document(files, view, client)))
            }
            "textDocument/formatting" => self.of(params, |_, view| value(answer::format(view)?)),
            "textDocument/foldingRange" => self.of(params, |_, view| value(answer::folding(view))),
            "textDocument/semanticTokens/full" => self.of(params, |_, view| value(answer::tokens(view))),
            "textDocument/codeAction" => self.actions(self::params(params)?),
            "workspace/symbol" => {
                let asked: WorkspaceSymbolParams = self::params(params)?;
                value(answer::workspace(&mut self.files, &asked.query))
            }
            "workspace/executeCommand" => self.execute(self::params(params)?),
            _ => Err(Fault::new(METHOD_NOT_FOUND, format!("no method `{method}`"))),
        }
    }

    /// Answers about a place of an open file; nothing where it is not open.
    fn at<T: Serialize>(
        &mut self,
        params: Value,
        answer: impl FnOnce(&Files, &View, Position) -> Result<T, Fault>,
    ) -> Answer {
        // Every such request has these two, whatever else it has.
        let asked: TextDocumentPositionParams = self::params(params)?;
        let Some(view) = self.files.view(&asked.text_document.uri) else { return Ok(Value::Null) };
        value(answer(&self.files, &view, asked.position)?)
    }

    /// Answers about an open file; nothing where it is not open.
    fn of(&mut self, params: Value, answer: impl FnOnce(&Files, &View) -> Answer) -> Answer {
        let asked: Document = self::params(params)?;
        let Some(view) = self.files.view(&asked.text_document.uri) else { return Ok(Value::Null) };
        answer(&self.files, &view)
    }

    fn references(&mut self, asked: ReferenceParams) -> Answer {
        let place = asked.text_document_position;
        let Some(view) = self.files.view(&place.text_document.uri) else { return Ok(Value::Null) };
        let declarations = asked.context.include_declaration;
        value(answer::references(&self.files, &view, place.position, declarations))
    }

    fn actions(&mut self, asked: CodeActionParams) -> Answer {
        let uri = asked.text_document.uri;
        let Some(view) = self.files.view(&uri) else { return Ok(Value::Null) };
        value(answer::actions(&self.files, &view, &uri, asked.range, self.client))
    }

    fn rename(&mut self, asked: RenameParams) -> Answer {
        let place = asked.text_document_position;
        let Some(view) = self.files.view(&place.text_document.uri) else { return Ok(Value::Null) };
        let renamed = answer::rename(&view, place.position, &asked.new_name)?;
        if let Some(warning) = &renamed.warning {
            self.show(MessageType::WARNING, warning.clone());
        }
        value(self.workspace_edit(&view, &renamed))
    }

    /// Edits as the client takes them: with the versions they are of, where it knows those.
    #[allow(clippy::mutable_key_type, reason = "the type of the protocol's map")]
    fn workspace_edit(&self, view: &View, renamed: &answer::Renamed) -> WorkspaceEdit {
        let mut files = Vec::new();
        for (name, edits) in &renamed.edits {
            let Some(uri) = self.files.uri(&view.home, name) else { continue };
            let Some(file) = view.analysis().file(name) else { continue };
            let lines = Lines::of(view.analysis().sources.text(file), view.encoding);
            let edits = edits
                .iter()
                .map(|(loc, text)| TextEdit { range: lines.of_loc(*loc), new_text: text.clone() });
            let version =
                self.files.open_in(&view.home).find(|open| open.name == *name).map(|open| open.version);
            files.push((uri, version, edits.collect::<Vec<_>>()));
        }
        if !self.client.versioned_edits {
            let changes: HashMap<Uri, Vec<TextEdit>> =
                files.into_iter().map(|(uri, _, edits)| (uri, edits)).collect();
            return WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() };
        }
        let edits = files.into_iter().map(|(uri, version, edits)| TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
            edits: edits.into_iter().map(OneOf::Left).collect(),
        });
        let edits = DocumentChanges::Edits(edits.collect());
        WorkspaceEdit { document_changes: Some(edits), ..WorkspaceEdit::default() }
    }

    fn execute(&mut self, asked: ExecuteCommandParams) -> Answer {
        let code = asked.arguments.first().and_then(Value::as_str);
        match (asked.command.as_str(), code.and_then(page)) {
            (answer::EXPLAIN, Some(page)) => {
                self.show(MessageType::INFO, format!("{}: {}\n\n{}", page.code, page.title, page.text));
                Ok(Value::Null)
            }
            _ => Err(Fault::new(INVALID_PARAMS, format!("no command `{}` with these values", asked.command))),
        }
    }

    /// Takes note of something.
    pub(crate) fn notification(&mut self, method: &str, params: Value) -> Step {
        if method == "exit" {
            let orderly = self.phase == Phase::ShutDown;
            return Step::End(if orderly { Ended::Shutdown } else { Ended::Cut });
        }
        if self.phase == Phase::Running
            && let Err(why) = self.take_note(method, params)
        {
            self.log(why);
        }
        Step::On
    }

    fn take_note(&mut self, method: &str, params: Value) -> Result<(), String> {
        fn read<P: DeserializeOwned>(method: &str, params: Value) -> Result<P, String> {
            serde_json::from_value(params).map_err(|e| format!("{method}: {e}"))
        }
        match method {
            "initialized" => self.watch(),
            "textDocument/didOpen" => {
                let DidOpenTextDocumentParams { text_document: of } = read(method, params)?;
                self.files.open(of.uri, of.version, of.text)?;
            }
            "textDocument/didChange" => {
                let of: DidChangeTextDocumentParams = read(method, params)?;
                self.files.change(&of.text_document.uri, of.text_document.version, of.content_changes)?;
            }
            "textDocument/didClose" => {
                let of: DidCloseTextDocumentParams = read(method, params)?;
                self.close(&of.text_document.uri);
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.files.disk_changed(),
            "workspace/didChangeWorkspaceFolders" => {
                let DidChangeWorkspaceFoldersParams { event } = read(method, params)?;
                let gone: Vec<_> = event.removed.iter().filter_map(|f| uri::path(&f.uri)).collect();
                self.files.workspaces.retain(|root| !gone.contains(root));
                self.files.workspaces.extend(event.added.iter().filter_map(|f| uri::path(&f.uri)));
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, uri: &Uri) {
        for gone in self.files.close(uri) {
            if let Ok(uri) = gone.parse() {
                let none = PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None };
                self.tell("textDocument/publishDiagnostics", none);
            }
        }
    }

    /// Asks to be told when the files of policies change.
    fn watch(&mut self) {
        if !self.client.watches {
            return;
        }
        let options = json!({"watchers": [{"globPattern": "**/*.{ward,txt,csv,json}"}, {"globPattern": "**/wardroom.toml"}]});
        let watch =
            json!({"id": "files", "method": "workspace/didChangeWatchedFiles", "registerOptions": options});
        let params = json!({"registrations": [watch]});
        self.told.push(
            json!({"jsonrpc": "2.0", "id": "watch", "method": "client/registerCapability", "params": params}),
        );
    }

    /// Tells what is wrong with policies that have changed.
    pub(crate) fn publish(&mut self) {
        for home in self.files.stale() {
            for params in answer::diagnostics(&mut self.files, &home, self.client) {
                self.tell("textDocument/publishDiagnostics", params);
            }
            let troubles = self.files.read(&home).map(|read| read.troubles.clone()).unwrap_or_default();
            for trouble in troubles {
                if !self.troubles.contains(&trouble) && self.troubles.len() < 64 {
                    self.troubles.push(trouble.clone());
                    self.log(trouble);
                }
            }
        }
    }
}

/// Any request about a file.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    text_document: TextDocumentIdentifier,
}

/// What a client can show.
fn client(of: &ClientCapabilities) -> Client {
    let text = of.text_document.as_ref();
    let workspace = of.workspace.as_ref();
    let item = text.and_then(|t| t.completion.as_ref()?.completion_item.as_ref());
    let symbols = text.and_then(|t| t.document_symbol.as_ref());
    let faults = text.and_then(|t| t.publish_diagnostics.as_ref());
    let actions = text.and_then(|t| t.code_action.as_ref());
    let edits = workspace.and_then(|w| w.workspace_edit.as_ref());
    let watched = workspace.and_then(|w| w.did_change_watched_files.as_ref());
    Client {
        snippets: item.and_then(|i| i.snippet_support).unwrap_or_default(),
        nested_symbols: symbols.and_then(|s| s.hierarchical_document_symbol_support).unwrap_or_default(),
        related: faults.and_then(|f| f.related_information).unwrap_or_default(),
        literal_actions: actions.is_some_and(|a| a.code_action_literal_support.is_some()),
        versioned_edits: edits.and_then(|e| e.document_changes).unwrap_or_default(),
        watches: watched.and_then(|w| w.dynamic_registration).unwrap_or_default(),
    }
}

/// What this server can do.
fn capabilities() -> ServerCapabilities {
    let signs = |signs: &[&str]| Some(signs.iter().map(|s| (*s).to_owned()).collect());
    let tokens = SemanticTokensOptions {
        legend: answer::legend(),
        full: Some(SemanticTokensFullOptions::Bool(true)),
        ..SemanticTokensOptions::default()
    };
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: signs(&[".", "(", "=", ":", "\"", "{"]),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: signs(&["(", ",", "="]),
            ..SignatureHelpOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: vec![answer::EXPLAIN.to_owned()],
            ..ExecuteCommandOptions::default()
        }),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(tokens)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}
