//! Pages of a list: each is an ordinary call's answer, and knows how to get the next one.
//!
//! - A page is asked for when it is needed, with the options of the first.
//! - A link is followed to the client's own origin only.
//! - A page that the server sends twice is an error, not an endless list.

use std::collections::HashSet;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::client::{typed, Client};
use super::core::errors::{Error, Kind, Result};
use super::core::paging::{items_of, next_step, PageStep};
use super::core::profile::{Operation, PageRule};
use super::options::CallOptions;
use super::request::Params;

/// One page of a list, with items of type `T`.
pub struct Page<T = Value> {
    /// The items.
    pub items: Vec<T>,
    /// The whole answer.
    pub answer: Value,
    request: PageRequest,
}

/// How a page was asked for.
#[derive(Clone)]
struct PageRequest {
    client: Client,
    operation: Operation,
    rule: PageRule,
    params: Params,
    options: CallOptions,
    seen: HashSet<(&'static str, String)>,
}

impl<T> std::fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Page({} items of {})", self.items.len(), self.request.operation.name)
    }
}

impl<T: DeserializeOwned> Page<T> {
    pub(super) async fn first(
        client: &Client,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Self> {
        let Some(rule) = operation.pages.clone() else {
            return Err(Error::new(Kind::InvalidRequest, format!("{} has no pages", operation.name)));
        };
        let (client, operation, params) = (client.clone(), operation.clone(), params.clone());
        PageRequest { client, operation, rule, params, options, seen: HashSet::new() }.fetch().await
    }

    /// Whether the answer says that the list goes on.
    #[must_use]
    pub fn has_next(&self) -> bool {
        matches!(next_step(&self.request.rule, &self.answer, &self.request.given()), Ok(Some(_)))
    }

    /// The page after this one; `None` at the end of the list.
    ///
    /// # Errors
    /// Those of a call, and [`Error::InvalidResponse`] where the list goes on in a way that cannot be followed.
    pub async fn next_page(&self) -> Result<Option<Self>> {
        match self.request.after(&self.answer)? {
            Some(request) => request.fetch().await.map(Some),
            None => Ok(None),
        }
    }

    /// This page and all that follow, each asked for when it is needed.
    pub fn into_pages(self) -> impl Stream<Item = Result<Self>> {
        let request = self.request.clone();
        let start = Some((request, self.answer.clone()));
        let rest = stream::try_unfold(start, |state| async move {
            let Some((request, answer)) = state else { return Ok(None) };
            let Some(request) = request.after(&answer)? else { return Ok(None) };
            let page: Self = request.fetch().await?;
            let next = Some((page.request.clone(), page.answer.clone()));
            Ok(Some((page, next)))
        });
        stream::once(std::future::ready(Ok(self))).chain(rest)
    }

    /// The items of this page and of all that follow.
    pub fn into_items(self) -> impl Stream<Item = Result<T>> {
        let items = |page: Self| stream::iter(page.items.into_iter().map(Ok));
        self.into_pages().map_ok(items).try_flatten()
    }
}

impl PageRequest {
    async fn fetch<T: DeserializeOwned>(self) -> Result<Page<T>> {
        let answer = self.client.call_json(&self.operation, &self.params, self.options.clone()).await?;
        let items = items_of(&self.rule, &answer).iter();
        let items = items.map(|item| typed(self.operation.name, item.clone())).collect::<Result<_>>()?;
        Ok(Page { items, answer, request: self })
    }

    /// The parameters in effect, from where the rule's own one stands.
    fn given(&self) -> Map<String, Value> {
        let (held, extra) = if self.rule.in_body {
            (self.params.body.as_object().cloned().unwrap_or_default(), &self.options.extra_body)
        } else {
            (self.params.query.clone(), &self.options.extra_query)
        };
        let mut given = held;
        given.extend(extra.clone());
        given.retain(|_, value| !value.is_null());
        given
    }

    /// The request of the page after an answer.
    fn after(&self, answer: &Value) -> Result<Option<Self>> {
        let mut given = self.given();
        let Some(step) = next_step(&self.rule, answer, &given)? else { return Ok(None) };
        let mut next = self.clone();
        if let PageStep::Param(name, _) = &step {
            let began = given.get(*name).cloned().unwrap_or(Value::Null);
            next.seen.insert(PageStep::Param(name, began).mark());
        }
        if !next.seen.insert(step.mark()) {
            let again = format!("{} sent a page again; the list would have no end", self.operation.name);
            return Err(Error::new(Kind::InvalidResponse, again));
        }
        match step {
            PageStep::Url(link) => {
                next.params.url = Some(self.checked(&link)?);
                next.params.query.clear();
            }
            PageStep::Param(name, value) => {
                given.insert(name.to_owned(), value);
                next.set(given);
            }
        }
        Ok(Some(next))
    }

    /// What the caller added stands among the parameters from here on.
    fn set(&mut self, given: Map<String, Value>) {
        if self.rule.in_body {
            self.options.extra_body.clear();
            self.params.body = Value::Object(given);
        } else {
            self.options.extra_query.clear();
            self.params.query = given;
        }
    }

    /// The absolute form of a link; an error if it leads elsewhere.
    fn checked(&self, link: &str) -> Result<String> {
        let base = Url::parse(&format!("{}/", self.client.base_url())).ok();
        let target = base.as_ref().and_then(|base| base.join(link).ok());
        match base.zip(target) {
            Some((base, target)) if base.origin() == target.origin() => Ok(target.into()),
            found => {
                let origin = found.map(|(_, target)| target.origin().ascii_serialization());
                let origin = origin.unwrap_or_else(|| "an invalid URL".to_owned());
                let message =
                    format!("The next page of {} is at {origin}, which is not followed", self.operation.name);
                Err(Error::new(Kind::InvalidResponse, message))
            }
        }
    }
}
