//! The door: one call from bytes to typed scenarios.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use toml::de::DeTable;

use super::decoder::Decoder;
use super::diagnostic::{Diagnostics, Fault, Finding, Severity, diagnostics};
use super::document::{self, Data, Node, Table};
use super::encoding;
use super::keys::{ROOT, VARIANT};
use super::model::{self, Scenario};
use super::overrides::{self, Override};
use super::path::Path;
use super::position::{Place, Sources};
use super::reader::Fields;
use super::recorded::Wanted;
use super::syntax::Syntax;
use super::{backends, balancers, checks, client, discovery, expects, faults, health, network, run, services, tier, traffic};
use crate::catalogue::Kind;
use crate::escape::shown;
use crate::trace::tape::Tape;
use std::sync::Arc;

/// A scenario as it comes: bytes, and what they are called.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The path as the user gave it, for messages.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
    /// More bytes than this are refused: [`super::MAX_BYTES`], unless the user raises it.
    pub limit: usize,
}

impl<'a> Source<'a> {
    /// Bytes with the usual limit.
    #[must_use]
    pub fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, limit: encoding::MAX_BYTES }
    }

    /// The same with another limit.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }
}

/// Files that a scenario names.
pub trait Files {
    /// The bytes of a file; the path is as written, relative to the scenario.
    ///
    /// # Errors
    /// Says what was tried and why it failed; more than `limit` bytes are a failure too.
    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, FileFault>;

    /// Recorded traffic.
    ///
    /// # Errors
    /// Says what was tried and why it failed.
    fn tape(&self, wanted: &Wanted) -> Result<Recording, FileFault> {
        let tried = wanted.files.join(", ");
        Err(FileFault { tried, reason: "no recorded traffic can be read from here".into() })
    }
}

/// Recorded traffic that was read.
#[derive(Clone, Debug)]
pub struct Recording {
    /// It.
    pub tape: Arc<Tape>,
    /// What to know before trusting it.
    pub notes: Vec<String>,
}

/// Why a file that a scenario names cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", shown_path(.tried), crate::escape::visible(.reason, 200))]
pub struct FileFault {
    /// The whole path that was tried.
    pub tried: String,
    /// The reason in words.
    pub reason: String,
}

fn shown_path(path: &str) -> String {
    crate::escape::visible(path, 256)
}

/// No files at all: for scenarios that come without a folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str, _limit: usize) -> Result<Vec<u8>, FileFault> {
        Err(FileFault { tried: path.to_owned(), reason: "no files can be read from here".into() })
    }
}

/// A scenario file, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// `title`.
    pub title: Option<String>,
    /// `question`.
    pub question: Option<String>,
    /// The variants in order; without `[[variant]]` one without a name.
    pub variants: Vec<Variant>,
    /// What may mislead; no errors.
    pub warnings: Diagnostics,
    /// SHA-256 of the text with LF line ends and without byte-order mark, in hexadecimal; without overrides.
    pub file_sha256: String,
}

/// A scenario of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `name`; `None` without `[[variant]]`.
    pub name: Option<String>,
    /// What it says.
    pub scenario: Scenario,
}

/// The refusal of a file by its size alone, before it is read.
#[must_use]
pub fn too_large(name: &str, bytes: usize, limit: usize) -> Diagnostics {
    let mut sources = Sources::default();
    sources.add(name, String::new(), false);
    let finding = Finding::error(Place::default(), encoding::size_fault(bytes, limit)).allowed("a TOML text below the limit");
    diagnostics(&sources, vec![finding.help(encoding::SIZE_HELP)])
}

/// Reads a scenario, changed by overrides in their order.
///
/// Overrides change what the file says; what a variant sets comes after, since it is what the variant is about.
///
/// # Errors
/// All faults, sorted by position, warnings among them.
pub fn load(source: &Source<'_>, overrides: &[Override], files: &dyn Files) -> Result<Loaded, Diagnostics> {
    let mut sources = Sources::default();
    let text = match encoding::decode(source.name, source.bytes, source.limit, &mut sources) {
        Ok(text) => text,
        Err(findings) => return Err(diagnostics(&sources, findings)),
    };
    let (parsed, errors) = DeTable::parse_recoverable(&text);
    let mut root = document::from_table(parsed.get_ref(), 0, &text);
    let syntax = Syntax::judge(&errors, &text, &root);
    let mut findings: Vec<Finding> =
        overrides.iter().filter_map(|change| change.apply(&mut root, &mut sources).err().map(|finding| *finding)).collect();
    let mut decoded = Decoded::default();
    decoded.all(&mut root, &sources, files);
    findings.append(&mut decoded.findings);
    findings.retain(|finding| !syntax.makes_unsure(finding));
    findings.extend(syntax.findings);
    let is_refused = findings.iter().any(|finding| finding.severity == Severity::Error);
    let found = diagnostics(&sources, findings);
    match decoded.variants.first() {
        Some(first) if !is_refused => {
            let (title, question) = (first.scenario.title.clone(), first.scenario.question.clone());
            Ok(Loaded { title, question, variants: decoded.variants, warnings: found, file_sha256: sha256(&text) })
        }
        _ => {
            assert!(is_refused, "a scenario that was not understood has a fault that says why");
            Err(found)
        }
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The variants of a document, and what was found on the way.
#[derive(Default)]
struct Decoded {
    variants: Vec<Variant>,
    findings: Vec<Finding>,
}

/// A variant as written: its name, its changes and its place.
struct Change<'n> {
    name: String,
    set: Option<&'n Table>,
    at: Place,
}

impl Decoded {
    /// Decodes every variant; the same finding in several of them counts once.
    fn all(&mut self, root: &mut Table, sources: &Sources, files: &dyn Files) {
        let Some(list) = root.remove("variant") else {
            let (scenario, findings) = decode(root, sources, files, Among::default());
            self.findings = findings;
            self.variants.extend(scenario.map(|scenario| Variant { name: None, scenario }));
            return;
        };
        let mut d = Decoder::new(sources, files);
        let changes = changes(&mut d, &list.value);
        self.findings = d.finish();
        if changes.is_empty() {
            self.findings.extend(decode(root, sources, files, Among::default()).1);
            return;
        }
        let names: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
        let mut seen: BTreeMap<(Place, Fault, String), (usize, usize)> = BTreeMap::new();
        for change in &changes {
            let mut changed = root.clone();
            let mut findings = change.set.map_or_else(Vec::new, |set| overrides::apply_all(&mut changed, set, sources));
            let (scenario, more) = decode(&changed, sources, files, Among { names: &names, this: Some(&change.name) });
            findings.extend(more);
            self.variants.extend(scenario.map(|scenario| Variant { name: Some(change.name.clone()), scenario }));
            for finding in findings {
                let known = seen.entry((finding.at, finding.fault.clone(), finding.path.clone())).or_insert((self.findings.len(), 0));
                known.1 += 1;
                if known.1 == 1 {
                    self.findings.push(finding.related(format!("in the variant {}", shown(&change.name)), change.at));
                }
            }
        }
        let common = seen.values().filter(|(_, count)| *count == changes.len());
        common.for_each(|(index, _)| drop(self.findings[*index].related.pop()));
    }
}

/// The most variants of a file: each is decoded, and run, on its own.
const MAX_VARIANTS: usize = 100;

/// Reads `[[variant]]`.
fn changes<'n>(d: &mut Decoder<'_>, list: &'n Node) -> Vec<Change<'n>> {
    let path = Path::Key(&Path::Root, "variant");
    let mut changes: Vec<Change<'n>> = Vec::new();
    let Data::List(members) = &list.data else {
        let fault = Fault::WrongType { found: d.found(list), wanted: "a list of tables" };
        d.report(Finding::error(list.at, fault).path(path).allowed(Kind::Tables(&VARIANT)).help("variant is a list; use [[variant]]"));
        return changes;
    };
    if members.len() > MAX_VARIANTS {
        let fault = Fault::Limit(format!("there are {} variants; the limit is {MAX_VARIANTS}", members.len()));
        d.report(
            Finding::error(list.at, fault)
                .path(path)
                .allowed(format!("at most {MAX_VARIANTS} variants"))
                .help("for a grid of values use `evenkeel sweep --vary KEY=V1,V2`"),
        );
        return changes;
    }
    if members.is_empty() {
        d.report(
            Finding::error(list.at, Fault::Missing("[[variant]]".into()))
                .path(path)
                .allowed("at least one variant, or no `variant` at all")
                .help("remove the line"),
        );
    }
    for (index, member) in members.iter().enumerate() {
        let path = path.index(index, member.text_of("name"));
        let Some(f) = Fields::open(d, member, &path, &VARIANT) else { continue };
        let name = f.needed_text(d, "name");
        let set = member.as_table().and_then(|table| table.get("set")).map(|pair| &pair.value);
        if let Some(node) = set.filter(|node| node.as_table().is_none()) {
            d.wrong_type(node, &path.key("set"), Kind::Changes, "a table");
        }
        let Some(name) = name else { continue };
        if let Some(first) = changes.iter().find(|change| change.name == name) {
            let fault = Fault::TwiceNamed(format!("two variants are called {}", shown(&name)));
            let finding = Finding::error(f.node("name").map_or(member.at, |node| node.at), fault).path(path.key("name"));
            d.report(
                finding
                    .allowed("a name of its own for each variant")
                    .related("the first is here", first.at)
                    .help("change one of the names"),
            );
        }
        changes.push(Change { name, set: set.and_then(Node::as_table), at: member.at });
    }
    changes
}

/// The variant that a document is of.
#[derive(Clone, Copy, Default)]
pub(crate) struct Among<'a> {
    /// All variants; none without `[[variant]]`.
    pub(crate) names: &'a [String],
    /// This one.
    pub(crate) this: Option<&'a str>,
}

/// Decodes one document.
fn decode(root: &Table, sources: &Sources, files: &dyn Files, among: Among<'_>) -> (Option<Scenario>, Vec<Finding>) {
    let mut d = Decoder::new(sources, files);
    let scenario = scenario(&mut d, root, among);
    (scenario, d.finish())
}

fn scenario(d: &mut Decoder<'_>, root: &Table, among: Among<'_>) -> Option<Scenario> {
    let f = Fields::open_root(d, root, &ROOT);
    let (title, question) = (f.text(d, "title"), f.text(d, "question"));
    let run = run::read(d, root);
    let services = services::read(d, root);
    let traffic = traffic::read(d, root, services.as_deref());
    let backends = if root.get("service").is_some() { Some(Vec::new()) } else { backends::read(d, root) };
    let links = network::read(d, root);
    let balancers = balancers::read(d, root);
    let tier = tier::read(d, root);
    let (client, health, discovery) = (client::read(d, root), health::read(d, root), discovery::read(d, root));
    let groups = backends.as_ref().zip(services.as_ref()).map(|(backends, services)| model::all_groups(backends, services));
    let autoscale = discovery::autoscale(d, root, groups.as_deref());
    let faults = faults::read(d, root);
    let expects = expects::read(d, root);
    let written = balancers?;
    let balancers = written.iter().map(|written| written.balancer.clone()).collect();
    let mut scenario = Scenario {
        title,
        question,
        run: run?,
        traffic: traffic?,
        backends: backends?,
        links: links?,
        balancers,
        tier: tier?,
        client: client?,
        health: health?,
        discovery: discovery?,
        autoscale: autoscale?,
        faults: faults?,
        services: services?,
        expects: Vec::new(),
    };
    checks::check(d, root, &scenario, &written);
    scenario.expects = expects?.iter().filter_map(|written| checks::expect(d, &scenario, written, among)).collect();
    Some(scenario)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Intensity, Length};
    use super::super::{QUICKSTART, STARTER};
    use super::*;

    fn read(text: &str, overrides: &[Override]) -> Result<Loaded, Diagnostics> {
        load(&Source::new("f.toml", text.as_bytes()), overrides, &NoFiles)
    }

    fn first(loaded: &Loaded) -> &Scenario {
        &loaded.variants[0].scenario
    }

    #[test]
    fn the_shipped_scenarios_load_without_a_warning() {
        for text in [QUICKSTART, STARTER] {
            let loaded = read(text, &[]).unwrap_or_else(|faults| panic!("{faults}"));
            assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        }
    }

    #[test]
    fn line_ends_do_not_change_the_hash() {
        let loaded = read(QUICKSTART, &[]).expect("the quickstart loads");
        let other = format!("\u{feff}{}", QUICKSTART.replace('\n', "\r\n"));
        assert_eq!(read(&other, &[]).expect("it loads").file_sha256, loaded.file_sha256);
        assert_eq!(loaded.file_sha256.len(), 64);
    }

    #[test]
    fn overrides_reach_every_kind_of_member() {
        let set = |text: &str| Override::set(text);
        let changes = [
            set("run.duration=60s"),
            set("traffic.arrivals.rate=800/s"),
            set("backends.slow.count=50"),
            set("backends.0.speed=0.5"),
            set("balancer.p2c.choices=3"),
            set("balancer.least-connections.weighted=true"),
            set("title=Two words"),
            Override::option("--seed", "run.seed", "7"),
            set("traffic.shoppers.priority=3"),
            set("traffic.name=shoppers"),
        ];
        let error = read(QUICKSTART, &changes).expect_err("the source has its name only after");
        assert!(error.to_string().contains("traffic.shoppers"), "{error}");
        let loaded = read(QUICKSTART, &changes[..8]).unwrap_or_else(|faults| panic!("{faults}"));
        let scenario = first(&loaded);
        assert_eq!(scenario.run.length, Length::Duration(crate::time::Span(60_000_000_000)));
        assert!(matches!(scenario.traffic[0].arrivals.intensity, Some(Intensity::Rate(_))));
        assert_eq!((scenario.backends[1].count, scenario.backends[0].speed, scenario.run.seed), (50, 0.5, 7));
        assert_eq!(scenario.balancers[5].values.whole("choices"), 3);
        assert!(scenario.balancers[2].values.bool("weighted"));
        assert_eq!(loaded.title.as_deref(), Some("Two words"));
    }

    #[test]
    fn variants_change_what_they_name() {
        let text = format!(
            "{QUICKSTART}\n[[variant]]\nname = \"a\"\nset = {{ \"run.duration\" = \"9s\" }}\n[[variant]]\nname = \"b\"\nset = {{ traffic.arrivals.load = 0.5 }}\n"
        );
        let loaded = read(&text, &[]).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(loaded.variants.iter().map(|variant| variant.name.as_deref()).collect::<Vec<_>>(), [Some("a"), Some("b")]);
        assert_eq!(first(&loaded).run.length, Length::Duration(crate::time::Span(9_000_000_000)));
        assert_eq!(loaded.variants[1].scenario.traffic[0].arrivals.intensity, Some(Intensity::Load(0.5)));
        assert_eq!(loaded.variants[1].scenario.run.length, Length::Requests(200_000));
    }

    #[test]
    fn a_fault_of_a_variant_points_at_its_line() {
        let text = format!("{QUICKSTART}\n[[variant]]\nname = \"a\"\nset = {{ \"run.seed\" = -1 }}\n");
        let faults = read(&text, &[]).expect_err("a seed is not negative");
        let lines = text.lines().count();
        assert_eq!((faults.len(), faults.iter().next().map(|fault| fault.location.line)), (1, Some(lines)));
    }
}
