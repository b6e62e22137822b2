//! What a caller passes, by place and wire name.

use serde::Serialize;

use crate::runtime::core::profile::Operation;
use crate::runtime::{to_json, Params, Result, Upload};

/// The arguments of one call.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) params: Params,
}

impl Arguments {
    pub(crate) fn path<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.params.path.insert(name.to_owned(), to_json(value)?);
        Ok(())
    }

    pub(crate) fn query<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.params.query.insert(name.to_owned(), to_json(value)?);
        Ok(())
    }

    pub(crate) fn header<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.params.headers.insert(name.to_owned(), to_json(value)?);
        Ok(())
    }

    pub(crate) fn cookie<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.params.cookies.insert(name.to_owned(), to_json(value)?);
        Ok(())
    }

    pub(crate) fn body<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.params.body = to_json(value)?;
        Ok(())
    }

    pub(crate) fn files(&mut self, name: &str, files: &impl Files) {
        let files = files.uploads().into_iter().cloned();
        self.params.files.extend(files.map(|file| (name.to_owned(), file)));
    }
}

/// An operation whose body is optional, as it is for a call with a body or without one.
pub(crate) fn with_body(operation: &Operation, given: bool) -> Operation {
    Operation { has_body: given, ..operation.clone() }
}

/// What a field for files may hold.
pub(crate) trait Files {
    fn uploads(&self) -> Vec<&Upload>;
}

impl Files for Upload {
    fn uploads(&self) -> Vec<&Upload> {
        vec![self]
    }
}

impl<T: Files> Files for Option<T> {
    fn uploads(&self) -> Vec<&Upload> {
        self.iter().flat_map(Files::uploads).collect()
    }
}

impl<T: Files> Files for Vec<T> {
    fn uploads(&self) -> Vec<&Upload> {
        self.iter().flat_map(Files::uploads).collect()
    }
}

impl<T: Files> Files for &T {
    fn uploads(&self) -> Vec<&Upload> {
        (*self).uploads()
    }
}
