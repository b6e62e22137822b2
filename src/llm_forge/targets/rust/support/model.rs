//! What the types of this crate are made with: they keep whatever they do not know.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A JSON object whose fields keep their order.
pub type Object = serde_json::Map<String, Value>;

/// A field that is there, be it null: so null and absent are told apart.
///
/// # Errors
/// Those of the value.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Whether a value is an object with these fields, and with one of these texts in each of the fixed ones.
#[must_use]
pub fn fits(value: &Value, required: &[&str], fixed: &[(&str, &[&str])]) -> bool {
    let Value::Object(fields) = value else {
        return false;
    };
    let is_one_of = |name: &str, texts: &[&str]| match fields.get(name) {
        Some(Value::String(text)) => texts.contains(&text.as_str()),
        _ => false,
    };
    required.iter().all(|name| fields.contains_key(*name))
        && fixed.iter().all(|(name, texts)| is_one_of(name, texts))
}

/// A part of an answer as the part of a request that mirrors it; what the request does not know stays as it is.
pub(crate) fn recast<T: Serialize, U: DeserializeOwned + From<Value>>(value: &T) -> U {
    let value = serde_json::to_value(value).unwrap_or_default(); // which never fails for what came as JSON
    serde_json::from_value(value.clone()).unwrap_or_else(|_| value.into())
}

/// Make an enum of texts open: any other text is its variant `Other`.
macro_rules! open_enum {
    ($name:ident; $($variant:ident = $text:literal,)*) => {
        impl $name {
            /// The text as it travels.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(from).map(Self::from)
            }
        }
    };
}

/// Make an enum of objects one that a field tells apart; what has another tag or shape is its variant `Other`.
macro_rules! tagged_union {
    ($name:ident by $tag:literal; $($variant:ident($type:ty) = $($text:literal)|+,)*) => {
        crate::support::into_union!($name; $($variant($type),)*);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(from)?;
                let known: Option<Self> = match value.get($tag).and_then(serde_json::Value::as_str) {
                    $(Some($($text)|+) => <$type as serde::Deserialize>::deserialize(&value).ok().map(Self::from),)*
                    _ => None,
                };
                Ok(known.unwrap_or(Self::Other(value)))
            }
        }
    };
}

/// Make an enum the first of its members that a value can be; what can be none is its variant `Other`.
macro_rules! untagged_union {
    ($name:ident; $($variant:ident($type:ty) $(if $fits:ident($($rule:expr),*))?,)*) => {
        crate::support::into_union!($name; $($variant($type),)*);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(from)?;
                $(
                    $(if crate::support::$fits(&value, $($rule),*))? {
                        if let Ok(known) = <$type as serde::Deserialize>::deserialize(&value) {
                            return Ok(Self::from(known));
                        }
                    }
                )*
                Ok(Self::Other(value))
            }
        }
    };
}

/// Make a union of each of its members, and write it as the member that it is.
macro_rules! into_union {
    ($name:ident; $($variant:ident($type:ty),)*) => {
        $(
            impl From<$type> for $name {
                fn from(value: $type) -> Self {
                    Self::$variant(value.into())
                }
            }
        )*

        impl From<serde_json::Value> for $name {
            fn from(value: serde_json::Value) -> Self {
                Self::Other(value)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => value.serialize(to),)*
                    Self::Other(value) => value.serialize(to),
                }
            }
        }
    };
}

pub(crate) use {into_union, open_enum, tagged_union, untagged_union};
