//! Envoy's subsets: only the backends whose labels a request asks for.
//!
//! **Rule.** A selector is a set of label names; a request that asks for exactly these names, with values that some backend has, is
//! balanced over the backends that have them. Otherwise the fallback decides, the selector's own if its names match: nobody, everybody, or a
//! default subset. **Where it fails.** A request that asks for one name more or less than any selector has falls back without a word.

use std::borrow::Cow;

/// What a backend or a request says of itself, by name.
pub type Labels = [(String, String)];

/// Who gets a request that no subset fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// Nobody.
    #[default]
    Nobody,
    /// Everybody.
    Anybody,
    /// The backends of the default subset.
    Default,
    /// Who fits when only these names are asked for.
    Fewer(Vec<String>),
}

/// Names that make a subset for each combination of their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The names.
    pub names: Vec<String>,
    /// What happens if no backend has the values; the common fallback where there is none.
    pub fallback: Option<Fallback>,
}

/// All selectors, and the fallbacks.
#[derive(Clone, Debug, Default)]
pub struct Subsets {
    /// Which names make subsets.
    pub selectors: Vec<Selector>,
    /// What happens if no selector fits.
    pub fallback: Fallback,
    /// The labels of the default subset.
    pub default: Vec<(String, String)>,
}

/// Who may get a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates<'a> {
    /// Everybody.
    All,
    /// Who has these labels, which may be nobody.
    With(Cow<'a, Labels>),
    /// Nobody.
    None,
}

/// Whether a backend has all of some labels.
#[must_use]
pub fn has(backend: &Labels, asked: &Labels) -> bool {
    asked.iter().all(|label| backend.contains(label))
}

impl Subsets {
    /// Who may get a request that asks for these labels; `exists` says whether any backend has some labels.
    #[must_use]
    pub fn candidates<'a>(&'a self, asked: &'a Labels, exists: impl Fn(&Labels) -> bool) -> Candidates<'a> {
        let selector = self.selectors.iter().find(|selector| !asked.is_empty() && selector.is_for(asked));
        if selector.is_some() && exists(asked) {
            return Candidates::With(Cow::Borrowed(asked));
        }
        match selector.and_then(|selector| selector.fallback.as_ref()).unwrap_or(&self.fallback) {
            Fallback::Nobody => Candidates::None,
            Fallback::Anybody => Candidates::All,
            Fallback::Default => Candidates::With(Cow::Borrowed(&self.default)),
            Fallback::Fewer(names) => {
                let fewer: Vec<_> = asked.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
                if fewer.len() == asked.len() {
                    return Candidates::None;
                }
                match self.candidates(&fewer, exists) {
                    Candidates::All => Candidates::All,
                    Candidates::None => Candidates::None,
                    Candidates::With(labels) => Candidates::With(Cow::Owned(labels.into_owned())),
                }
            }
        }
    }
}

impl Selector {
    fn is_for(&self, asked: &Labels) -> bool {
        asked.len() == self.names.len() && asked.iter().all(|(name, _)| self.names.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(labels: &Labels) -> Candidates<'_> {
        Candidates::With(Cow::Borrowed(labels))
    }

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn names_must_match_exactly() {
        let selector = Selector { names: vec!["v".to_owned(), "stage".to_owned()], fallback: None };
        let subsets = Subsets { selectors: vec![selector], fallback: Fallback::Default, default: labels(&[("stage", "prod")]) };
        let asked = labels(&[("v", "1"), ("stage", "dev")]);
        assert_eq!(subsets.candidates(&asked, |_| true), with(&asked));
        assert_eq!(subsets.candidates(&asked, |_| false), with(&labels(&[("stage", "prod")])));
        assert_eq!(subsets.candidates(&labels(&[("v", "1")]), |_| true), with(&labels(&[("stage", "prod")])));
        assert_eq!(Subsets::default().candidates(&[], |_| true), Candidates::None);
    }

    #[test]
    fn a_backend_has_all_that_is_asked_for_or_is_not_in_the_subset() {
        let backend = labels(&[("v", "1"), ("stage", "dev")]);
        assert!(has(&backend, &labels(&[("v", "1")])) && has(&backend, &[]));
        assert!(!has(&backend, &labels(&[("v", "2")])) && !has(&backend, &labels(&[("w", "1")])));
    }
}
