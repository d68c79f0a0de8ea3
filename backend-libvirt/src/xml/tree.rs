//! Elements and their places.

use core::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

/// Elements within elements; libvirt's own XML has about ten.
const DEPTH: usize = 64;

/// XML that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is no XML.
    #[error("the domain's XML cannot be read")]
    Syntax(#[from] quick_xml::Error),
    /// An attribute is none.
    #[error("an attribute in the domain's XML cannot be read")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// It is no XML of a domain.
    #[error("the domain's XML has no <domain>, or more elements within elements than a domain has")]
    Form,
}

/// An element and where it stands in the text.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    pub(crate) name: &'a str,
    /// From `<` of the start tag to `>` of the end tag.
    pub(crate) outer: Range<usize>,
    /// What lies between the tags; empty behind the tag of an element without an end tag.
    pub(crate) inner: Range<usize>,
    attributes: Vec<Attribute<'a>>,
    pub(crate) children: Vec<Self>,
}

/// An attribute and where its value stands.
#[derive(Debug)]
struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    place: Range<usize>,
}

impl<'a> Element<'a> {
    /// Reads the XML of a domain.
    ///
    /// # Errors
    /// [`XmlError`].
    pub(crate) fn parse(text: &'a str) -> Result<Self, XmlError> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Element<'a>> = Vec::new();
        loop {
            let start = position(&reader);
            let event = reader.read_event()?;
            let end = position(&reader);
            match event {
                Event::Start(tag) => {
                    if open.len() >= DEPTH {
                        return Err(XmlError::Form);
                    }
                    open.push(Element::new(text, &tag, start..end)?);
                }
                Event::Empty(tag) => {
                    let element = Element::new(text, &tag, start..end)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return root(element),
                    }
                }
                Event::End(_) => {
                    let Some(mut element) = open.pop() else {
                        return Err(XmlError::Form);
                    };
                    element.inner.end = start;
                    element.outer.end = end;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return root(element),
                    }
                }
                Event::Eof => return Err(XmlError::Form),
                _ => {}
            }
        }
    }

    fn new(text: &'a str, tag: &BytesStart<'_>, place: Range<usize>) -> Result<Self, XmlError> {
        let source = text.get(place.clone()).ok_or(XmlError::Form)?;
        // The tag's own bytes begin behind `<`.
        let name_length = tag.name().as_ref().len();
        let name = source.get(1..=name_length).ok_or(XmlError::Form)?;
        // The parser's attributes borrow from the text: their addresses say where they stand in it.
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute?;
            let find = |part: &str| {
                let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
                let range = start..start + part.len();
                Some((text.get(range.clone())?, range))
            };
            let (name, _) = find(attribute.key.as_ref()).ok_or(XmlError::Form)?;
            let (value, place) = find(&attribute.value).ok_or(XmlError::Form)?;
            attributes.push(Attribute { name, value, place });
        }
        Ok(Self {
            name,
            inner: place.end..place.end,
            outer: place,
            attributes,
            children: Vec::new(),
        })
    }

    /// The value of an attribute as it is written.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value)
    }

    /// Where the value of an attribute stands.
    pub(crate) fn attribute_place(&self, name: &str) -> Option<Range<usize>> {
        self.attributes
            .iter()
            .find(|a| a.name == name)
            .map(|a| a.place.clone())
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text between the tags as it is written.
    pub(crate) fn text(&self, source: &'a str) -> &'a str {
        source.get(self.inner.clone()).unwrap_or_default().trim()
    }

    /// Whether the element has an end tag.
    pub(crate) fn has_end_tag(&self) -> bool {
        self.inner.end < self.outer.end
    }
}

fn root(element: Element<'_>) -> Result<Element<'_>, XmlError> {
    if element.name == "domain" {
        Ok(element)
    } else {
        Err(XmlError::Form)
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    // The text is in memory: its length is a usize.
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// Replacements in a text.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts `text` where `place` is; an empty place inserts.
    pub(crate) fn replace(&mut self, place: Range<usize>, text: impl Into<String>) {
        self.0.push((place, text.into()));
    }

    /// The text with all replacements. Those of one place come in the order in which they were made.
    pub(crate) fn apply(mut self, source: &str) -> String {
        self.0.sort_by_key(|(place, _)| place.start);
        let mut output = String::with_capacity(source.len() + 256);
        let mut done = 0;
        for (place, text) in self.0 {
            output.push_str(source.get(done..place.start).unwrap_or_default());
            output.push_str(&text);
            done = place.end.max(done);
        }
        output.push_str(source.get(done..).unwrap_or_default());
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text() {
        let text = "<?xml version='1.0'?>\n<!-- a --><domain  type = \"qemu\" >\n <name>a&amp;b</name><x:y xmlns:x='u'/>\n</domain>\n";
        let domain = Element::parse(text).unwrap();
        assert_eq!(domain.attribute("type"), Some("qemu"));
        assert_eq!(&text[domain.attribute_place("type").unwrap()], "qemu");
        let name = domain.child("name").unwrap();
        assert_eq!(&text[name.outer.clone()], "<name>a&amp;b</name>");
        assert_eq!(name.text(text), "a&amp;b");
        let other = domain.child("x:y").unwrap();
        assert!(!other.has_end_tag() && name.has_end_tag());
        assert!(text[domain.outer.clone()].ends_with("</domain>"));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let deep = "<domain>".repeat(DEPTH + 1);
        for text in [
            "",
            "<a/>",
            "<domain>",
            "<domain></a>",
            "</domain>",
            "<domain a=1/>",
            "text",
            &deep,
        ] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn edits_change_their_places_alone() {
        let mut edits = Edits::default();
        edits.replace(4..5, "X");
        edits.replace(1..1, "+");
        edits.replace(1..1, "-");
        assert_eq!(edits.apply("abcdef"), "a+-bcdXf");
    }
}
