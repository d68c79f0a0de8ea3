//! Reading PVE's answers, whose types change between versions: numbers come as strings, flags as 0 and 1.

use serde_json::Value;

/// An object of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a>(&'a Value);

impl<'a> Object<'a> {
    /// Reads this value; one that is no object has no members.
    pub(crate) const fn new(value: &'a Value) -> Self {
        Self(value)
    }

    /// A member.
    pub(crate) fn member(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A member that is an object.
    pub(crate) fn object(self, name: &str) -> Option<Self> {
        self.member(name).filter(|value| value.is_object()).map(Self)
    }

    /// A member that is text, or a number as text.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        text(self.member(name)?)
    }

    /// A member that is a whole number, whichever way it is written.
    pub(crate) fn integer(self, name: &str) -> Option<u64> {
        integer(self.member(name)?)
    }

    /// A member that is a number.
    pub(crate) fn number(self, name: &str) -> Option<f64> {
        match self.member(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A member that is a flag; one that is not there is not set.
    pub(crate) fn flag(self, name: &str) -> bool {
        match self.member(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            Some(Value::String(text)) => !matches!(text.as_str(), "" | "0"),
            _ => false,
        }
    }
}

/// A scalar as text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        _ => None,
    }
}

/// A whole number, whichever way it is written.
pub(crate) fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            let whole = float.trunc();
            // Beyond this a float does not tell neighbours apart.
            (0.0..9.0e15).contains(&whole).then_some(whole as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(u64::from(*flag)),
        _ => None,
    }
}

/// The objects of a list; what is no list has none.
pub(crate) fn objects(value: &Value) -> impl Iterator<Item = Object<'_>> {
    value.as_array().into_iter().flatten().map(Object::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_flags_are_read_whichever_way_they_are_written() {
        let value = json!({
            "a": 100, "b": "100", "c": 100.0, "d": "x", "e": true, "f": "0", "g": 1, "h": null, "i": 0.25, "j": "",
        });
        let object = Object::new(&value);
        for name in ["a", "b", "c"] {
            assert_eq!(object.integer(name), Some(100), "{name}");
            assert_eq!(object.number(name), Some(100.0), "{name}");
        }
        assert_eq!(object.integer("d"), None);
        assert_eq!(object.number("i"), Some(0.25));
        assert_eq!(object.text("a").as_deref(), Some("100"));
        let flags = ["e", "f", "g", "h", "j", "z"].map(|name| object.flag(name));
        assert_eq!(flags, [true, false, true, false, false, false]);
        assert_eq!(objects(&value).count(), 0);
    }
}
