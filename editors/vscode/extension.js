// SPDX-License-Identifier: Apache-2.0
// Starts `wardroom lsp` for .ward files. Without that program there are colours and nothing else.

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async function activate() {
    const command = workspace.getConfiguration("ward").get("program");
    const server = { command, args: ["lsp"] };
    const options = { documentSelector: [{ language: "ward" }] };
    client = new LanguageClient("ward", "Ward", server, options);
    // A program that cannot be started is reported by the client itself.
    await client.start().catch(() => undefined);
};

exports.deactivate = () => client?.stop();
