//! GitHub's error answers: message, field errors, documentation link, status.

use serde_json::{Value, json};

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) errors: Vec<Value>,
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// 422 on a field; `code` is one of `missing_field`, `invalid`, `already_exists`, `missing`, `unprocessable`.
    pub(super) fn field(resource: &str, field: &str, code: &str) -> Self {
        let error = json!({"resource": resource, "field": field, "code": code});
        Self { errors: vec![error], ..Self::new(422, "Validation Failed") }
    }

    /// 422 with a sentence of its own.
    pub(super) fn custom(resource: &str, field: &str, message: &str) -> Self {
        let error = json!({"resource": resource, "code": "custom", "field": field, "message": message});
        Self { errors: vec![error], ..Self::new(422, "Validation Failed") }
    }

    /// 422 because the body is not of the right shape.
    pub(super) fn shape(detail: &str) -> Self {
        Self::new(422, format!("Invalid request.\n\n{detail}"))
    }

    pub(super) fn read_only() -> Self {
        Self::new(403, "Repository was archived so is read-only.")
    }

    pub(super) fn no_issues() -> Self {
        Self::new(410, "Issues are disabled for this repo")
    }

    pub(super) fn stopped() -> Self {
        Self::new(503, "The hub is stopping")
    }

    pub(super) fn broken() -> Self {
        Self::new(500, "The hub's journal cannot be written")
    }

    /// The body.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = json!({"message": self.message});
        if !self.errors.is_empty()
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("errors".to_owned(), Value::Array(self.errors.clone()));
        }
        if let Some(fields) = body.as_object_mut() {
            fields.insert("documentation_url".to_owned(), "https://docs.github.com/rest".into());
            fields.insert("status".to_owned(), self.status.to_string().into());
        }
        body.to_string().into_bytes()
    }
}
