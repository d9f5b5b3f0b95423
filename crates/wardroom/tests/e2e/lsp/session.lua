-- SPDX-License-Identifier: Apache-2.0
-- One session of an editor with `wardroom lsp`: what it does to a policy and what it saw, one line each, in the file
-- $SEEN. The server is the command in $SERVER, a JSON array; the policy is the file that is open.

local seen = assert(io.open(os.getenv('SEEN'), 'w'))
local server = vim.fn.json_decode(os.getenv('SERVER'))
local deadline = 30000

local function say(what, ...)
  local line = what .. ': ' .. table.concat(vim.tbl_map(tostring, { ... }), ' | ')
  seen:write((line:gsub('%s+$', '')), '\n')
  seen:flush()
end

-- So that the cursor can stand behind the last character of a line, as it does where one writes.
vim.o.virtualedit = 'onemore'

local function first_line(text)
  return vim.split(text, '\n')[1]
end

-- Puts the cursor on the first place of `text` in the file.
local function go_to(text, after)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local at = line:find(text, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { row, at - 1 + (after or 0) })
      return row - 1, at - 1
    end
  end
  error('not in the file: ' .. text)
end

local function replace(old, new)
  local row, col = go_to(old)
  vim.api.nvim_buf_set_text(0, row, col, row, col + #old, { new })
end

local function session()
  local ended
  local config = {
    name = 'wardroom',
    cmd = server,
    root_dir = vim.fn.getcwd(),
    on_exit = function(code) ended = code end,
  }
  local id = vim.lsp.start and vim.lsp.start(config) or vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(0, id)
  local client = vim.lsp.get_client_by_id(id)
  assert(vim.wait(deadline, function()
    client = vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end), 'the server does not start')

  local function ask(method, more)
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    local answers, why = vim.lsp.buf_request_sync(0, method, vim.tbl_extend('force', params, more or {}), deadline)
    assert(answers, why)
    local answer = answers[id] or {}
    if answer.error or answer.err then
      return nil, (answer.error or answer.err).message
    end
    return answer.result
  end

  local function await(what, count)
    assert(vim.wait(deadline, function() return #vim.diagnostic.get(0) == count end), 'no end of ' .. what)
  end

  await('waiting for what is wrong', 1)
  for _, d in ipairs(vim.diagnostic.get(0)) do
    say('diagnostic', d.lnum, d.col, d.code or d.user_data.lsp.code, first_line(d.message))
  end

  go_to('{failures}', 3)
  local hover = ask('textDocument/hover')
  for _, line in ipairs(vim.split(hover.contents.value, '\n')) do
    say('hover', line)
  end
  say('hover range', hover.range.start.line, hover.range.start.character, hover.range['end'].character)

  go_to('acount', 1)
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {} }
  local actions = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', params, deadline)[id].result
  for _, action in ipairs(actions) do
    say('action', action.title)
  end
  vim.lsp.util.apply_workspace_edit(actions[1].edit, client.offset_encoding)
  await('the fault that was mended', 0)
  say('mended', vim.api.nvim_get_current_line())

  replace('account == "root"', 'account.')
  go_to('account.', 8)
  local items = ask('textDocument/completion')
  items = items.items or items
  local labels = {}
  for _, item in ipairs(items) do
    labels[item.label] = item.detail or ''
  end
  for _, label in ipairs({ 'shape', 'lower', 'net' }) do
    say('completion', label, labels[label] or 'not offered')
  end
  replace('account.', 'account.startswith("ro')
  go_to('"ro', 0)
  local help = ask('textDocument/signatureHelp')
  say('signature', help.signatures[1].label, help.activeParameter)
  replace('account.startswith("ro', 'account == "root"')
  await('what was being written', 0)

  go_to('failures >=', 2)
  for _, location in ipairs(ask('textDocument/definition')) do
    say('definition', vim.fn.fnamemodify(vim.uri_to_fname(location.uri), ':t'), location.range.start.line, location.range.start.character)
  end
  say('references', #ask('textDocument/references', { context = { includeDeclaration = true } }))
  say('highlights', #ask('textDocument/documentHighlight'))
  local symbols = {}
  for _, symbol in ipairs(ask('textDocument/documentSymbol')) do
    table.insert(symbols, symbol.name)
  end
  say('symbols', unpack(symbols))

  local _, why = ask('textDocument/rename', { newName = 'account' })
  say('refused', why)
  go_to('guessing on', 2)
  vim.lsp.util.apply_workspace_edit(ask('textDocument/rename', { newName = 'too_many' }), client.offset_encoding)
  go_to('ip: ip')
  vim.lsp.util.apply_workspace_edit(ask('textDocument/rename', { newName = 'address' }), client.offset_encoding)
  await('what was renamed', 0)

  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = deadline })
  else
    vim.lsp.buf.formatting_sync(nil, deadline)
  end
  await('what was formatted', 0)
  for _, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    say('text', line)
  end
  vim.cmd('silent write')

  vim.lsp.stop_client(id)
  assert(vim.wait(deadline, function() return ended ~= nil end), 'the server does not end')
  say('ended', ended)
end

local ok, why = xpcall(session, debug.traceback)
if not ok then
  say('FAILED', why)
end
seen:close()
vim.cmd(ok and 'qall!' or 'cquit')
