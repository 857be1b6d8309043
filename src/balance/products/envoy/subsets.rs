//! The balancer over the rules of [`super::subset`].
//!
//! Every combination of values that backends have for a selector's names is a group with a policy of its own; so are all backends, and the default
//! subset. Which group is a look at the request's criteria. **Cost.** O(subsets) per pick.

use super::subset::{Candidates, Fallback, Selector, Subsets, has};
use super::{BREAKS_IN_SUBSETS, PRODUCT};
use crate::balance::fan::{Fan, Inner, Route};
use crate::balance::{BackendId, Ctx, Listed, Pool, Request};
use crate::catalogue::{Entry, Kind, Parameter, Values};

pub(in crate::balance) static LISTED: Listed = Listed::new(
    Entry {
        name: "envoy/subset",
        summary: "only backends whose labels a request asks for, then a balancer over them",
        text: "A request that asks for exactly the names of a selector, with values that some backend has, goes to the backends that have them; any other \
               by the fallback. Each subset has an inner balancer of its own. O(subsets), and the inner balancer's.",
        parameters: &[
            Parameter::with_default("selectors", Kind::Text, "version", "names of labels that make subsets: names with commas, selectors with semicolons: `version; stage, version`"),
            Parameter::with_default("fallback", Kind::Choice(&["none", "any", "default"]), "any", "who gets a request that no subset fits; Envoy's own default is none"),
            Parameter::with_default("default_subset", Kind::Text, "", "labels of the default subset: `stage=prod, version=1`"),
            Parameter::with_default("balancer", Kind::Balancer, "envoy/round-robin", "the balancer of each subset"),
        ],
        reference: "Envoy, docs, intro/arch_overview/upstream/load_balancing/subsets",
    },
    |values| Box::new(Fan::new(Labelled::new(values), Inner::of(values, "balancer"))),
)
.of(PRODUCT)
.approximate("written from the documentation, not the source; the options of single subsets are not there")
.breaks(BREAKS_IN_SUBSETS);

/// Texts between separators, without blanks.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

#[derive(Debug)]
struct Labelled {
    subsets: Subsets,
    /// The labels of each group. The first is everybody.
    groups: Vec<Vec<(String, String)>>,
}

impl Labelled {
    fn new(values: &Values) -> Self {
        let selector = |names| Selector { names: parts(names, ',').map(str::to_owned).collect(), fallback: None };
        let label = |text: &str| text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let fallback = match values.text("fallback") {
            "any" => Fallback::Anybody,
            "default" => Fallback::Default,
            _ => Fallback::Nobody,
        };
        let subsets = Subsets {
            selectors: parts(values.text("selectors"), ';').map(selector).collect(),
            fallback,
            default: parts(values.text("default_subset"), ',').filter_map(label).collect(),
        };
        Self { subsets, groups: Vec::new() }
    }
}

impl Route for Labelled {
    fn groups(&mut self, pool: &Pool, _: &mut Ctx<'_>) -> Vec<Vec<BackendId>> {
        self.groups = vec![Vec::new(), self.subsets.default.clone()];
        for selector in &self.subsets.selectors {
            for backend in pool.present() {
                let value = |name: &String| Some((name.clone(), pool.member(backend).label(name)?.to_owned()));
                let labels: Option<Vec<_>> = selector.names.iter().map(value).collect();
                self.groups.extend(labels.filter(|labels| !self.groups.contains(labels)));
            }
        }
        let of = |labels: &Vec<(String, String)>| pool.present().filter(|&backend| has(&pool.member(backend).labels, labels)).collect();
        self.groups.iter().map(of).collect()
    }

    fn choose(&mut self, request: &Request<'_>, _: &Pool, _: &mut Ctx<'_>) -> Option<usize> {
        let is_same = |group: &[(String, String)], asked: &[(String, String)]| group.len() == asked.len() && has(group, asked);
        let find = |asked: &[(String, String)]| self.groups.iter().position(|group| is_same(group, asked));
        match self.subsets.candidates(request.criteria(), |asked| find(asked).is_some()) {
            Candidates::All => Some(0),
            Candidates::None => None,
            Candidates::With(asked) => find(&asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Member, Pick, Said};
    use crate::catalogue::Value;
    use crate::random::Stream;
    use crate::time::SimTime;

    #[test]
    fn a_request_goes_to_who_has_its_labels() {
        let mut values = Values::default();
        [("selectors", "v; stage, v"), ("fallback", "default"), ("default_subset", "stage=prod")].into_iter().for_each(|(name, text)| {
            values.set(name, Value::Text(text.into()));
        });
        values.set("balancer", Value::Balancer("random", Values::default()));
        let mut balancer = (LISTED.build)(&values);
        let member = |v: &str, stage: &str| Member {
            labels: vec![("stage".into(), stage.into()), ("v".into(), v.into())],
            ..Member::new(format!("{v}:{stage}"))
        };
        let pool = Pool::new([member("1", "prod"), member("2", "prod"), member("1", "dev")].into());
        let mut chance = Stream::new(1);
        balancer.members(&pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance });
        let mut picked = |criteria: &[(&str, &str)]| {
            let criteria = criteria.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let said = Said { criteria, ..Said::default() };
            let mut counts = [0; 3];
            for _ in 0..60 {
                let request = Request { said: Some(&said), ..Request::default() };
                if let Pick::Backend(backend) = balancer.pick(&request, &pool, &mut Ctx { now: SimTime::ZERO, chance: &mut chance }) {
                    counts[backend.index()] += 1;
                }
            }
            counts.map(|count| count > 0)
        };
        assert_eq!(picked(&[("v", "1")]), [true, false, true]);
        assert_eq!(picked(&[("stage", "dev"), ("v", "1")]), [false, false, true]);
        assert_eq!(picked(&[("stage", "dev")]), [true, true, false]);
    }
}
