//! Reading a vector: every field by name, with an error that says which one is missing or of another kind.

use serde_json::Value;

/// One vector.
pub(super) struct Vector<'a> {
    pub(super) id: &'a str,
    pub(super) system: &'a str,
    pub(super) policy: &'a str,
    /// Empty where there is none.
    pub(super) form: &'a str,
    /// How far floats may be off, relative; exact where there is none.
    pub(super) tol: Option<f64>,
    pub(super) config: Field<'a>,
    pub(super) input: Field<'a>,
    pub(super) expected: &'a Value,
}

impl<'a> Vector<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or("");
        Self {
            id: text("id"),
            system: text("system"),
            policy: text("policy"),
            form: text("form"),
            tol: value["tol"].as_f64(),
            config: Field { name: "config", value: &value["config"] },
            input: Field { name: "input", value: &value["input"] },
            expected: &value["expected"],
        }
    }

    /// What was recorded, where it says how long, or from where, a sequence is.
    pub(super) fn expected(&self) -> Field<'a> {
        Field { name: "expected", value: self.expected }
    }
}

/// A value with its name. Missing fields and `null` are the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    /// The field of that name.
    pub(super) fn get(self, name: &'a str) -> Self {
        Self { name, value: &self.value[name] }
    }

    pub(super) fn is_null(self) -> bool {
        self.value.is_null()
    }

    /// Nothing where it is missing or `null`.
    pub(super) fn maybe(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    fn wrong(self, what: &str) -> String {
        match self.value {
            Value::Null => format!("`{}` is missing", self.name),
            other => format!("`{}` is {other}, not {what}", self.name),
        }
    }

    pub(super) fn f64(self) -> Result<f64, String> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    pub(super) fn f64_or(self, default: f64) -> Result<f64, String> {
        self.maybe().map_or(Ok(default), Self::f64)
    }

    /// A whole number: as such, as a float without a fraction, or in decimal digits.
    pub(super) fn u64(self) -> Result<u64, String> {
        let float = || self.value.as_f64().filter(|value| value.fract() == 0.0 && *value >= 0.0).map(|value| value as u64);
        let digits = || self.value.as_str().and_then(|text| text.parse().ok());
        self.value.as_u64().or_else(float).or_else(digits).ok_or_else(|| self.wrong("a whole number"))
    }

    pub(super) fn u64_or(self, default: u64) -> Result<u64, String> {
        self.maybe().map_or(Ok(default), Self::u64)
    }

    pub(super) fn u32(self) -> Result<u32, String> {
        self.u64()?.try_into().map_err(|_| self.wrong("below 2^32"))
    }

    pub(super) fn usize(self) -> Result<usize, String> {
        Ok(self.u64()? as usize)
    }

    pub(super) fn bool(self) -> Result<bool, String> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub(super) fn bool_or(self, default: bool) -> Result<bool, String> {
        self.maybe().map_or(Ok(default), Self::bool)
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    pub(super) fn list(self) -> Result<Vec<Self>, String> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        Ok(list.iter().map(|value| Self { name: self.name, value }).collect())
    }

    /// The elements of a list, each read in the same way.
    pub(super) fn each<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.list()?.into_iter().map(read).collect()
    }

    /// An empty list where it is missing.
    pub(super) fn each_or_none<T>(self, read: impl Fn(Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.maybe().map_or(Ok(Vec::new()), |list| list.each(read))
    }

    pub(super) fn entries(self) -> Result<Vec<(&'a str, Self)>, String> {
        let map = self.value.as_object().ok_or_else(|| self.wrong("an object"))?;
        Ok(map.iter().map(|(name, value)| (name.as_str(), Self { name, value })).collect())
    }
}

/// A hash or another 64-bit number, as vectors write it.
pub(super) fn digits(number: u64) -> Value {
    Value::String(number.to_string())
}
