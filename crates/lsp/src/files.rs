// SPDX-License-Identifier: Apache-2.0
//! The files that are open, and the policies they belong to: what is open goes before what lies on the disk.

use crate::folder::{self, Contents, Home};
use crate::limits;
use crate::text::{Encoding, Lines};
use crate::uri;
use lsp_types::{Location, Range, TextDocumentContentChangeEvent, Uri};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::rc::Rc;
use wardroom_policy::Bundle;
use wardroom_policy::ide::{self, Analysis};
use wardroom_report::{FileId, Loc};

/// An open file.
pub(crate) struct Open {
    pub(crate) uri: Uri,
    pub(crate) version: i32,
    pub(crate) home: Home,
    /// Its name within the policy.
    pub(crate) name: String,
    text: String,
}

/// A policy of which a file is open.
#[derive(Default)]
pub(crate) struct Policy {
    disk: Option<Contents>,
    read: Option<Rc<Read>>,
    /// Files that were said to have faults.
    pub(crate) published: BTreeSet<String>,
    /// Whether something has changed since faults were published.
    pub(crate) stale: bool,
}

/// A policy as it was read last.
pub(crate) struct Read {
    pub(crate) bundle: Bundle,
    pub(crate) analysis: Analysis,
    pub(crate) troubles: Vec<String>,
}

/// A file of a policy as a request sees it.
pub(crate) struct View {
    pub(crate) read: Rc<Read>,
    pub(crate) file: FileId,
    pub(crate) home: Home,
    pub(crate) encoding: Encoding,
}

impl View {
    pub(crate) fn analysis(&self) -> &Analysis {
        &self.read.analysis
    }

    pub(crate) fn text(&self) -> &str {
        self.analysis().sources.text(self.file)
    }

    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines::of(self.text(), self.encoding)
    }
}

#[derive(Default)]
pub(crate) struct Files {
    open: BTreeMap<String, Open>,
    policies: BTreeMap<Home, Policy>,
    pub(crate) workspaces: Vec<PathBuf>,
    pub(crate) encoding: Encoding,
}

impl Files {
    /// Takes in a file that was opened. Says so when it is not looked at.
    pub(crate) fn open(&mut self, uri: Uri, version: i32, text: String) -> Result<(), String> {
        if self.open.len() >= limits::OPEN_FILES && !self.open.contains_key(uri.as_str()) {
            return Err(format!(
                "more than {} open files: {} is not looked at",
                limits::OPEN_FILES,
                uri.as_str()
            ));
        }
        let (home, name) = match uri::path(&uri) {
            Some(path) => {
                let home = folder::home(&path, &self.workspaces);
                let name =
                    home.name(&path).ok_or_else(|| format!("{} has no name to go by", uri.as_str()))?;
                (home, name)
            }
            // Not saved yet: a policy of its own.
            None => (Home::Alone(PathBuf::from(uri.as_str())), "policy.ward".to_owned()),
        };
        self.changed(&home, true);
        self.open.insert(uri.as_str().to_owned(), Open { uri, version, home, name, text });
        Ok(())
    }

    /// Changes an open file.
    pub(crate) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Result<(), String> {
        let encoding = self.encoding;
        let open = self.open.get_mut(uri.as_str()).ok_or_else(|| format!("{} is not open", uri.as_str()))?;
        open.version = version;
        for change in changes {
            match change.range {
                Some(range) => {
                    let bytes = Lines::of(&open.text, encoding).bytes(range);
                    open.text.replace_range(bytes, &change.text);
                }
                None => open.text = change.text,
            }
            if open.text.len() > limits::TEXT_BYTES {
                self.close(uri);
                return Err(format!(
                    "{} is longer than {} bytes and not looked at",
                    uri.as_str(),
                    limits::TEXT_BYTES
                ));
            }
        }
        let home = open.home.clone();
        self.changed(&home, false);
        Ok(())
    }

    /// Lets a file go. Gives the files that were said to have faults, where nobody looks at their policy any more.
    pub(crate) fn close(&mut self, uri: &Uri) -> Vec<String> {
        let Some(closed) = self.open.remove(uri.as_str()) else { return Vec::new() };
        if self.open.values().any(|open| open.home == closed.home) {
            self.changed(&closed.home, true);
            return Vec::new();
        }
        let gone = self.policies.remove(&closed.home).unwrap_or_default();
        gone.published.into_iter().chain([uri.as_str().to_owned()]).collect()
    }

    /// The disk may hold something else now.
    pub(crate) fn disk_changed(&mut self) {
        let homes: Vec<Home> = self.policies.keys().cloned().collect();
        homes.iter().for_each(|home| self.changed(home, true));
    }

    fn changed(&mut self, home: &Home, disk: bool) {
        let policy = self.policies.entry(home.clone()).or_default();
        policy.read = None;
        policy.stale = true;
        if disk {
            policy.disk = None;
        }
    }

    /// The policies whose faults are to be published again.
    pub(crate) fn stale(&self) -> Vec<Home> {
        self.policies.iter().filter(|(_, policy)| policy.stale).map(|(home, _)| home.clone()).collect()
    }

    /// Every policy of which a file is open.
    pub(crate) fn homes(&self) -> Vec<Home> {
        self.policies.keys().cloned().collect()
    }

    pub(crate) fn policy(&mut self, home: &Home) -> Option<&mut Policy> {
        self.policies.get_mut(home)
    }

    /// A policy, read again where something has changed.
    pub(crate) fn read(&mut self, home: &Home) -> Option<Rc<Read>> {
        let policy = self.policies.get_mut(home)?;
        if let Some(read) = &policy.read {
            return Some(read.clone());
        }
        let disk = policy.disk.get_or_insert_with(|| match home {
            // What is not on the disk under this name has nothing to be read.
            Home::Alone(path) if !path.is_absolute() => Contents::default(),
            _ => folder::read(home),
        });
        let mut bundle = Bundle::new();
        disk.files.iter().for_each(|(name, text)| bundle.add(name, text));
        for open in self.open.values().filter(|open| open.home == *home) {
            bundle.add(&open.name, &open.text);
        }
        let analysis = ide::analyse(&bundle);
        let read = Rc::new(Read { bundle, analysis, troubles: disk.troubles.clone() });
        policy.read = Some(read.clone());
        Some(read)
    }

    /// A file that is open, with its policy.
    pub(crate) fn view(&mut self, uri: &Uri) -> Option<View> {
        let (home, name) = self.open.get(uri.as_str()).map(|open| (open.home.clone(), open.name.clone()))?;
        let read = self.read(&home)?;
        let file = read.analysis.file(&name)?;
        Some(View { read, file, home, encoding: self.encoding })
    }

    /// The open files of a policy.
    pub(crate) fn open_in<'a>(&'a self, home: &'a Home) -> impl Iterator<Item = &'a Open> {
        self.open.values().filter(move |open| open.home == *home)
    }

    /// What a client calls a file of a policy: as it has called it, where it is open.
    pub(crate) fn uri(&self, home: &Home, name: &str) -> Option<Uri> {
        let open = self.open_in(home).find(|open| open.name == name);
        open.map_or_else(|| uri::of(&home.path(name)), |open| Some(open.uri.clone()))
    }

    /// The places of a policy as a client says them.
    pub(crate) fn places<'a>(&'a self, home: &'a Home, analysis: &'a Analysis) -> Places<'a> {
        Places { files: self, home, analysis, known: HashMap::new() }
    }
}

/// Makes locations; each text is cut into lines once.
pub(crate) struct Places<'a> {
    files: &'a Files,
    home: &'a Home,
    analysis: &'a Analysis,
    known: HashMap<FileId, (Option<Uri>, Lines<'a>)>,
}

impl Places<'_> {
    pub(crate) fn range(&mut self, loc: Loc) -> Range {
        self.of(loc.file).1.of_loc(loc)
    }

    /// A place as a client says it; `None` where its file has no name that a client could know.
    pub(crate) fn location(&mut self, loc: Loc) -> Option<Location> {
        let (uri, lines) = self.of(loc.file);
        Some(Location { uri: uri.clone()?, range: lines.of_loc(loc) })
    }

    fn of(&mut self, file: FileId) -> &(Option<Uri>, Lines<'_>) {
        self.known.entry(file).or_insert_with(|| {
            let sources = &self.analysis.sources;
            let uri = self.files.uri(self.home, sources.name(file));
            (uri, Lines::of(sources.text(file), self.files.encoding))
        })
    }
}
