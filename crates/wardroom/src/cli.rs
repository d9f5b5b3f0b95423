// SPDX-License-Identifier: Apache-2.0
//! The command line.

mod act;
mod breach;
mod campaigns;
mod cases;
mod sim;

pub(crate) use act::{
    Act, ActWhat, Asked, End, Jobs, JobsAction, Label, LabelAction, LabelSaid, Undo, UndoWhat,
};
pub(crate) use campaigns::{Campaigns, CampaignsAction, Sweep};

pub(crate) use breach::{Breach, BreachAction, BreachBits, BreachBuild, BreachInfo, BreachLook};

pub(crate) use cases::{Cases, CasesAction};
pub(crate) use sim::{Sim, SimCommand, SimScore, SimStream};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Anti-abuse for providers of mail and accounts: events in, verdicts with reasons out.
#[derive(Debug, Parser)]
#[command(name = "wardroom", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a simulated provider under attack: server, traffic and live view, nothing left behind
    Demo(Demo),
    /// Print a simulated provider's events, for trying things out: NDJSON, and the truth in a file of its own
    Sim(Box<Sim>),
    /// Make a directory ready to serve: configuration, a first policy, an API key
    Init(Init),
    /// Serve the API
    Serve(Serve),
    /// Show how a running server is, or what a stopped one left
    Status(Status),
    /// Look for what could go wrong here: disk, clock, permissions, journal, licences
    Doctor(Doctor),
    /// Copy the data directory, beside a running server, into a directory or one file
    Backup(Backup),
    /// Make a data directory from a backup
    Restore(Restore),
    /// Check a policy and say everything that is wrong with it
    Check(Check),
    /// Run a policy's tests
    Test(TestArgs),
    /// Put policy files in the form that all policies have
    Fmt(Fmt),
    /// Compare policies; turn a policy file into JSON, and back
    Policy(Policy),
    /// Explain a diagnostic code, a rule, whatever a policy declares, a function or a decision
    Explain(Explain),
    /// Serve an editor: faults as you type, hover, completion, rename, formatting
    Lsp(Lsp),
    /// Judge real logs, or events as NDJSON, from a file or as they are written
    Replay(Replay),
    /// Try a rule or a policy on the past: what it would have hit, changed and cost
    Backtest(Box<crate::command::Backtest>),
    /// Ask about the past: filters, groups, the greatest, time series, one period beside another
    Query(Query),
    /// List campaigns of sign-ups with members and reasons; sweep for sleepers when one turned bad
    Campaigns(Campaigns),
    /// List effects that are on their way or were given up; send them again
    Effects(Effects),
    /// Look at cases that wait for a person, take them and close them
    Cases(Cases),
    /// Say labels of entities and events, show what was said, import files of them
    Label(Label),
    /// Act on what has happened: label, list, open cases, judge again, tell webhooks, many at once
    Act(Act),
    /// Look at jobs, approve, start and cancel them
    Jobs(Jobs),
    /// Undo an act or a job
    Undo(Undo),
    /// Erase somebody from all that is kept, and prove it
    Erase(Erase),
    /// Take away values that are kept no longer, where no server runs
    Retain(Retain),
    /// Make files of breached passwords, look at them, look a password up
    Breach(Breach),
    /// Make, list and revoke API keys
    Key(Key),
    /// Look after the journal: verify it, show its records, repair it, make keys for it
    Journal(JournalArgs),
    /// Look after the files of the past: how much there is, whether it is sound, and write what is missing
    History(HistoryArgs),
    /// Show the configuration in force and where each value comes from
    Config(ConfigArgs),
    /// Measure this machine: durable decisions a second, and how long each takes
    Bench(Bench),
}

#[derive(Debug, Args)]
#[command(after_long_help = RETAIN_HELP)]
pub(crate) struct Retain {
    /// The data directory, which no server may have open [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file, whose section `keep` says what is kept how long [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

const RETAIN_HELP: &str = "\
What the section [keep] of the configuration says is kept no longer goes from the sealed segments of the journal
and from the past in columns: values are missing then, and counters keep what they have counted. A server does
the same by itself, every hour.

    [keep]
    login = \"180d\"            all values of these events
    \"login.ip\" = \"30d\"       the field, and what was looked up about it

Example:
    wardroom retain --data /var/lib/wardroom";

#[derive(Debug, Args)]
#[command(after_long_help = ERASE_HELP)]
pub(crate) struct Erase {
    /// Whom: TYPE:VALUE, such as account:alice; the types are account, email, ip, device, phone, wallet, domain, url, text
    #[arg(value_name = "SUBJECT", required_unless_present_any = ["verify", "resume"])]
    pub(crate) subject: Option<String>,
    /// Ask no server: erase in this data directory, which no server may have open
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub(crate) data: Option<PathBuf>,
    /// The server; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// With --data: go on with what was cut short
    #[arg(long, requires = "data", conflicts_with_all = ["subject", "verify"])]
    pub(crate) resume: bool,
    /// Check a report: that it is this installation's and unchanged, that the journal says the same; and, where the subject
    /// is named too, that it is in no file now
    #[arg(long, value_name = "REPORT", conflicts_with = "server")]
    pub(crate) verify: Option<PathBuf>,
    /// Write the report, as JSON, also to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const ERASE_HELP: &str = "\
A random token takes the place of the value in journal, snapshots, lists and what was kept of results, so that
whatever was counted of others stays as it is. Then every file is looked through once more. The report has no
word of the value in it, is signed, and is kept in erasures/ of the data directory.

Examples:
    wardroom erase account:alice                        through the server that runs, with an admin's key
    wardroom erase email:a@example.org --data /var/lib/wardroom
    wardroom erase --resume --data /var/lib/wardroom    what was cut short
    wardroom erase --verify report.json account:alice --data /var/lib/wardroom

Exit codes: 0 it is in no file, 1 it is (the report names them), 3 it was not done, or the report is not true";

#[derive(Clone, Debug, Args)]
pub(crate) struct Demo {
    /// Stop after this many seconds [default: until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    /// Print nothing but the result, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// What the simulation is drawn from: the same number gives the same people and attacks
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Simulated seconds in one second
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) speed: u32,
    /// Accounts at the simulated provider
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(100..=2_000_000))]
    pub(crate) accounts: u32,
    /// Judge by the policy in this directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Keep it in this directory, as `init` makes one: a past that can be asked; after 60 seconds, unless --seconds says
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where; made if it is not there
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The policy directory
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Count what is left of a journal whose beginning is gone, where no snapshot is good: what was counted before is lost
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Start also where the clock is weeks past the newest record: after an old backup, or a long time out of use
    #[arg(long)]
    pub(crate) clock_is_right: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = STATUS_HELP)]
pub(crate) struct Status {
    /// The server; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub(crate) server: Option<String>,
    /// Ask no server: read what this data directory says
    #[arg(long, value_name = "DIR", conflicts_with = "watch")]
    pub(crate) data: Option<PathBuf>,
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
    /// With --watch: seconds in between
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// As JSON; with --watch one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

const STATUS_HELP: &str = "\
Examples:
    wardroom status                                     the server that wardroom.toml configures
    wardroom status --server http://10.0.0.7:8320       another one
    wardroom status --watch
    wardroom status --data /var/lib/wardroom            where no server runs

Exit codes: 0 healthy, 1 not healthy (the reasons are printed), 2 no key, 3 no server answers";

#[derive(Debug, Args)]
#[command(after_long_help = DOCTOR_HELP)]
pub(crate) struct Doctor {
    /// The data directory [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The policy directory [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Read the whole journal through, not only its newest segment
    #[arg(long)]
    pub(crate) full: bool,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What was found as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const DOCTOR_HELP: &str = "\
Nothing is changed, and a running server does not notice. Run it as the user that serves, on the machine
that serves.

Examples:
    wardroom doctor
    wardroom doctor --data /var/lib/wardroom --full
    wardroom doctor --json | jq '.[] | select(.state == \"fail\")'

Exit codes: 0 nothing failed (there may be warnings), 1 something did";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = BACKUP_HELP)]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
    /// Where it goes: a name that ends in .tar is one file, `-` standard output, any other a directory
    #[arg(value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// The data directory [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Leave out the segments that this backup has; restoring takes both
    #[arg(long, value_name = "BACKUP")]
    pub(crate) since: Option<PathBuf>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What was copied as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Check every checksum of a backup, and every record of the journal in it
    Verify {
        /// The backup
        backup: PathBuf,
        /// Those before it, where it leaves out what they have
        earlier: Vec<PathBuf>,
        /// What was found as JSON
        #[arg(long)]
        json: bool,
    },
}

const BACKUP_HELP: &str = "\
A backup holds the journal up to its newest record, snapshots, the secret, the keys and the text of the
policy, with the SHA-256 of each file. It does not hold wardroom.toml, nor the key file of encryption at rest.

Examples:
    wardroom backup /backup/monday.tar                                    beside the running server
    wardroom backup /backup/tuesday.tar --since /backup/monday.tar        only what is new
    wardroom backup - | zstd | ssh elsewhere 'cat > wardroom.tar.zst'
    wardroom backup verify /backup/tuesday.tar /backup/monday.tar
    wardroom restore /backup/tuesday.tar /backup/monday.tar --data data";

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup: a directory or a .tar file
    pub(crate) backup: PathBuf,
    /// Those before it, where it leaves out what they have
    pub(crate) earlier: Vec<PathBuf>,
    /// The data directory to make; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Write the text of the policy in force to this directory as well, where the backup has it
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Restore one whose journal has no beginning and no snapshot to go on from, for `serve --rebuild`
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// The configuration file, for the keys of an encrypted journal [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What was restored as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The policy: a directory, or one .ward file
    #[arg(default_value = "policy")]
    pub(crate) policy: PathBuf,
    /// Diagnostics as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The policy: a directory, or one .ward file
    #[arg(default_value = "policy")]
    pub(crate) policy: PathBuf,
    /// Run only the tests whose name holds this
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Show for each rule what no test reaches
    #[arg(long)]
    pub(crate) coverage: bool,
    /// End with 1 where tests reach less than this many percent of the conditions
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100), conflicts_with = "only")]
    pub(crate) min_coverage: Option<u8>,
    /// Run again whenever a file of the policy changes, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
    /// Results as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Policies: directories, or .ward files
    #[arg(default_value = "policy", conflicts_with = "stdin")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; show what would change, and end with 1 if anything would
    #[arg(long)]
    pub(crate) check: bool,
    /// Read the text of one file from standard input, and write it to standard output
    #[arg(long)]
    pub(crate) stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) action: PolicyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Show what one policy says that another does not: features, rules, lists and event types by their meaning
    Diff(PolicyDiff),
    /// Print a policy file in its JSON form
    Json {
        /// The .ward file; `-` reads standard input
        file: PathBuf,
        /// Say for each declaration and expression in which line and column it begins
        #[arg(long)]
        places: bool,
    },
    /// Print the text of a policy file that is in JSON form
    Text {
        /// The .json file; `-` reads standard input
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = QUERY_HELP)]
pub(crate) struct Query {
    /// The query; `-` reads standard input
    pub(crate) text: String,
    /// It is SQL, not a query of the policy language
    #[arg(long, conflicts_with = "fmt")]
    pub(crate) sql: bool,
    /// From when on, whatever the query says: a day, or a time with its zone
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until when, without it
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Labels as they were known then
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Most rows of the answer [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// How long it may take [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// How the answer is printed [default: table]
    #[arg(long, value_enum)]
    pub(crate) format: Option<QueryFormat>,
    /// Show identifiers of people whole; takes the role `reveal`
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Ask nothing; print the query in its form
    #[arg(long)]
    pub(crate) fmt: bool,
    /// The server; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, visible_alias = "url", value_name = "URL", conflicts_with = "data")]
    pub(crate) server: Option<String>,
    /// Ask no server: read the files and the journal of this data directory
    #[arg(long, value_name = "DIR", conflicts_with = "timeout")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    /// For a person
    Table,
    /// One object with columns and rows
    Json,
    /// An object a row, one a line
    Ndjson,
    /// With a head
    Csv,
    /// Arrow's streaming format
    Arrow,
}

impl QueryFormat {
    /// What a server is asked for.
    pub(crate) fn media(self) -> &'static str {
        match self {
            QueryFormat::Table | QueryFormat::Json => "application/json",
            QueryFormat::Ndjson => "application/x-ndjson",
            QueryFormat::Csv => "text/csv",
            QueryFormat::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

const QUERY_HELP: &str = "\
Examples:
    wardroom query 'login where not ok last \"7d\" by ip.net show count, distinct(account) top 20'
    wardroom query 'login last \"1d\" show count, share(not ok) per \"1h\"'
    wardroom query 'signup last \"1d\" by ip.asn show count against \"7d\" top 10 by change(count)'
    wardroom query --format csv --limit 100000 'login where verdict == block' > blocked.csv
    wardroom query --data /var/lib/wardroom 'login by verdict'
    wardroom query --fmt 'login by ip show count where not ok'

Exit codes: 0 answered, 1 the query has faults (they are printed), 2 the command line is not right, 3 there is no answer";

#[derive(Debug, Args)]
pub(crate) struct PolicyDiff {
    /// The policy before: a directory, or one .ward file
    pub(crate) old: PathBuf,
    /// The policy after
    pub(crate) new: PathBuf,
    /// End with exit code 1 if they differ
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// The differences as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A diagnostic code such as W0201, the id of a rule, feature, list, table, evidence, score or model, the name of a
    /// function, or the number of a decision; all codes are listed without it
    pub(crate) what: Option<String>,
    /// The policy [default: ./policy, or else the shipped one]
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Of a decision: the server that made it; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub(crate) server: Option<String>,
    /// Of a decision: the data directory that holds it, where no server runs
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Of a decision: show identifiers of people whole; takes a key with the role `reveal`
    #[arg(long)]
    pub(crate) reveal: bool,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Serve an editor over standard input and output, by the Language Server Protocol
#[derive(Debug, Args)]
#[command(after_long_help = EDITORS)]
pub(crate) struct Lsp {
    /// Taken and not needed: there is no other way than standard input and output
    #[arg(long)]
    pub(crate) stdio: bool,
}

/// How editors are told of it; the book's page on editors says more.
const EDITORS: &str = "\
The policy of a file is the folder that the nearest wardroom.toml calls the policy, or the nearest
folder called `policy`, or the workspace, or the file alone. The book's page on editors says more.

Neovim 0.11 and later, in init.lua:
    vim.filetype.add({ extension = { ward = 'ward' } })
    vim.lsp.config('wardroom', { cmd = { 'wardroom', 'lsp' }, filetypes = { 'ward' } })
    vim.lsp.enable('wardroom')

Helix, in languages.toml:
    [language-server.wardroom]
    command = \"wardroom\"
    args = [\"lsp\"]

    [[language]]
    name = \"ward\"
    scope = \"source.ward\"
    file-types = [\"ward\"]
    comment-token = \"#\"
    indent = { tab-width = 4, unit = \"    \" }
    language-servers = [\"wardroom\"]

Emacs 29 and later, in init.el:
    (define-derived-mode ward-mode prog-mode \"Ward\" (setq-local comment-start \"# \"))
    (add-to-list 'auto-mode-alist '(\"\\\\.ward\\\\'\" . ward-mode))
    (with-eval-after-load 'eglot
      (add-to-list 'eglot-server-programs '(ward-mode . (\"wardroom\" \"lsp\"))))

VS Code: the extension in editors/vscode; `npm install` there, and link the folder into
    ~/.vscode/extensions";

/// What lines hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// sshd, Dovecot, PAM, login: auth.log, secure, mail.log, or journalctl -o short-iso
    Auth,
    /// Web server: common and combined log format
    Access,
    /// One event a line, as the API takes it
    Ndjson,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The file; `-` reads standard input
    pub(crate) file: PathBuf,
    /// What the lines hold [default: seen from the first lines]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// The policy [default: ./policy, or else the shipped one]
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Go on as the file grows, through rotation, until Ctrl-C; signals are printed as they come
    #[arg(long)]
    pub(crate) follow: bool,
    /// With --follow: begin with the first line of the file, not after its last
    #[arg(long, requires = "follow")]
    pub(crate) from_start: bool,
    /// Keep what is decided in this data directory, and go on from what it holds
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// With --data: the configuration file of its server [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) config: Option<PathBuf>,
    /// With --data: go on also where the clock is weeks past the newest record there
    #[arg(long, requires = "data")]
    pub(crate) clock_is_right: bool,
    /// The year of the first line, where lines carry none [default: from the file's time]
    #[arg(long, value_name = "YEAR")]
    pub(crate) year: Option<i16>,
    /// The log's offset from UTC, where lines carry none
    #[arg(long, value_name = "+HH:MM", default_value = "+00:00", allow_hyphen_values = true)]
    pub(crate) offset: String,
    /// How many addresses to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// Show every signal, not only the summary
    #[arg(long)]
    pub(crate) signals: bool,
    /// Show identifiers of people whole
    #[arg(long)]
    pub(crate) reveal: bool,
    /// The summary as JSON; with --signals or --follow one JSON object a signal before it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Effects {
    #[command(subcommand)]
    pub(crate) action: EffectsAction,
    /// The server; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EffectsAction {
    /// List effects
    List {
        /// Which
        #[arg(default_value = "pending")]
        state: Stage,
        /// The data directory that holds them, where no server runs
        #[arg(long, value_name = "DIR", conflicts_with = "server")]
        data: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Send effects again, under the keys they have
    Retry {
        /// Keys, as `effects list` shows them
        #[arg(value_name = "KEY", required_unless_present = "dead")]
        keys: Vec<String>,
        /// All dead letters
        #[arg(long)]
        dead: bool,
        /// Of them, those to the notification or webhook of this name
        #[arg(long, value_name = "NAME", requires = "dead")]
        to: Option<String>,
        /// Of them, those given up at this time or later, such as 2026-01-05T12:00:00Z
        #[arg(long, value_name = "TIME", requires = "dead")]
        since: Option<String>,
    },
}

/// Which effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// On their way
    Pending,
    /// Given up
    Dead,
    /// Opened cases
    Cases,
}

impl Stage {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Pending => "pending",
            Stage::Dead => "dead",
            Stage::Cases => "cases",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) action: KeyAction,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Make a key; it is shown once
    New {
        /// What it is for
        name: String,
        /// What it may do: ingest, read, reveal, policy, admin, act, approve; several with commas
        #[arg(long, value_delimiter = ',', default_value = "ingest")]
        role: Vec<String>,
        /// How many events it may send, such as 1000/s, 60/m, 5/h [default: what the server takes]
        #[arg(long, value_name = "N/s")]
        rate: Option<String>,
        /// How many of them at once [default: those of one second]
        #[arg(long, value_name = "N")]
        burst: Option<u32>,
        /// Shares of the server it has where other keys have one: 1 to 100 [default: 1]
        #[arg(long, value_name = "N")]
        weight: Option<u8>,
    },
    /// List keys
    List,
    /// Hash with a new key from the next start on: who was hashed before is not known again
    RotateHash,
    /// Make a key worthless; a running server takes note when it is restarted or sent SIGHUP
    Revoke {
        /// Its id, as `key list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) action: JournalAction,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) action: HistoryAction,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    /// Say which tables there are and how much of each; a server may run meanwhile
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write sealed segments of the journal into files; no server may run, which does it itself
    Export {
        /// Also the segment that was being written
        #[arg(long)]
        all: bool,
    },
    /// Read every file and compare it with the manifest and the journal; a server may run meanwhile
    #[command(after_help = "Exit codes: 0 all of it is sound; 1 something is wrong or cannot be read")]
    Verify {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalAction {
    /// Read every byte and say what is there and what is damaged; a server may run meanwhile
    #[command(after_help = "Exit codes: 0 all of it is sound; 1 something is damaged or cannot be read")]
    Verify {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print records, identifiers of people masked; a server may run meanwhile
    Dump(Dump),
    /// Make a damaged journal readable again, keeping every record that can be read; no server may run
    #[command(
        after_help = "Exit codes: 0 it is sound now; 1 with --dry-run: there is something to repair; 1 without: it cannot be \
                      repaired, and nothing was changed"
    )]
    Repair {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make and name the keys that a data directory is encrypted with
    Key {
        #[command(subcommand)]
        action: SealKeyAction,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// Number of the first record [default: the first there is]
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// Number of the last record [default: the last there is]
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// Only records of this kind: decided, recorded, change, …, or its number; several with commas
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kind: Vec<String>,
    /// At most this many records
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Show identifiers of people whole
    #[arg(long)]
    pub(crate) unmask: bool,
    /// One JSON object a record
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SealKeyAction {
    /// Make a key file, readable by its owner alone; `encryption.key_file` in the configuration puts it to use
    New {
        /// Where; what is there stays
        file: PathBuf,
    },
    /// Show the id of the key in a file: what messages call it by
    Id {
        /// The key file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) trial: Option<Trial>,
    /// Seconds measured in each part
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Events a second for the measurement of latency
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) rate: u32,
    /// Space those events evenly, instead of as people come
    #[arg(long)]
    pub(crate) even: bool,
    /// Connections kept open
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) connections: u32,
    /// Judge by the policy in this directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// A directory on the disk to measure; a temporary one is made in it [default: that of the system]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Results as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Trials of a server in a process of its own, with a row a second and plots.
#[derive(Debug, Subcommand)]
pub(crate) enum Trial {
    /// More than the server can take, for minutes: memory and latency
    Soak(SoakArgs),
    /// Half of what it can take, without and with snapshots and new segments
    Steady(SteadyArgs),
    /// A day of a large provider, as fast as it goes; then kill -9 and a restart
    Day(DayArgs),
    /// A new account with every event, under a cap on memory; then kill -9 and a restart
    Keys(KeysArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TrialArgs {
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "trial")]
    pub(crate) out: PathBuf,
    /// Judge by the policy in this directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// A directory on the disk to measure; a temporary one is made in it [default: that of the system]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) minutes: u32,
    /// How much is offered, in hundredths of what the server can take
    #[arg(long, value_name = "PERCENT", default_value_t = 150, value_parser = clap::value_parser!(u32).range(10..=1000))]
    pub(crate) times: u32,
    /// The server's setting `memory`: what counters may take, which they reach within a minute or two
    #[arg(long, value_name = "SIZE", default_value = "128MiB")]
    pub(crate) memory: String,
    /// Over how many connections; those above the 4,096 that may wait before the sequencer have their events refused
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub(crate) connections: u32,
    #[command(flatten)]
    pub(crate) common: TrialArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SteadyArgs {
    /// Seconds of each part
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) common: TrialArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DayArgs {
    /// How many events the day has
    #[arg(long, value_name = "N", default_value_t = 30_000_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    pub(crate) events: u64,
    #[command(flatten)]
    pub(crate) common: TrialArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// How many events there are, each of a new account
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub(crate) keys: u64,
    /// The server's setting `memory`: what counters may take
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) memory: String,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "trial")]
    pub(crate) out: PathBuf,
    /// A directory on the disk to measure; a temporary one is made in it [default: that of the system]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}
