//! Bodies of several parts (RFC 2046 §5.1, RFC 5621).

use bytes::Bytes;

use super::Name;
use super::header::Params;

/// Multipart bodies inside multipart bodies are followed to this depth.
const DEPTH_LIMIT: u32 = 2;
/// Parts looked at in one body.
const PART_LIMIT: usize = 32;

/// The body, or the first part of it, whose type is `wanted`; `content_type` is the header's whole value.
pub fn find_part(content_type: &[u8], body: &Bytes, wanted: &str) -> Option<Bytes> {
    find_at(content_type, body, wanted, 0)
}

fn find_at(content_type: &[u8], body: &Bytes, wanted: &str, depth: u32) -> Option<Bytes> {
    let end = content_type.iter().position(|&byte| byte == b';').unwrap_or(content_type.len());
    let (kind, params) = content_type.split_at(end);
    let kind = kind.trim_ascii();
    if kind.eq_ignore_ascii_case(wanted.as_bytes()) {
        return Some(body.clone());
    }
    let is_multipart = kind.len() > 10 && kind[..10].eq_ignore_ascii_case(b"multipart/");
    if !is_multipart || depth == DEPTH_LIMIT {
        return None;
    }
    let boundary = Params::new(params).find("boundary").filter(|boundary| !boundary.is_empty())?;
    parts(body, boundary).take(PART_LIMIT).find_map(|part| {
        let (content_type, inner) = split_part(&part)?;
        find_at(&content_type, &inner, wanted, depth + 1)
    })
}

/// The parts between the delimiters, each with its own header.
fn parts<'a>(body: &'a Bytes, boundary: &'a str) -> impl Iterator<Item = Bytes> + 'a {
    let mut at = next_delimiter(body, boundary, 0).map(|(_, after)| after);
    std::iter::from_fn(move || {
        let from = at?;
        let (end, after) = next_delimiter(body, boundary, from)?;
        at = Some(after);
        Some(body.slice(from.min(end)..end))
    })
}

/// Where the next delimiter line begins (its leading line break included) and where the line after it begins.
fn next_delimiter(body: &[u8], boundary: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let line_end =
            body[at..].iter().position(|&byte| byte == b'\n').map_or(body.len(), |feed| at + feed + 1);
        let line = body[at..line_end].trim_ascii_end();
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        if rest.is_some_and(|rest| rest.is_empty() || rest == b"--") {
            let breaks =
                body[from..at].iter().rev().take(2).take_while(|byte| b"\r\n".contains(byte)).count();
            return Some((at - breaks, line_end));
        }
        if line_end == body.len() {
            return None;
        }
        at = line_end;
    }
}

/// A part's Content-Type (`text/plain` unless given) and its body.
fn split_part(part: &Bytes) -> Option<(Bytes, Bytes)> {
    let mut content_type = Bytes::from_static(b"text/plain");
    let mut at = 0;
    loop {
        let next = at + part.get(at..)?.iter().position(|&byte| byte == b'\n')? + 1;
        let line = part[at..next].trim_ascii();
        if line.is_empty() {
            return Some((content_type, part.slice(next..)));
        }
        if let Some(colon) = line.iter().position(|&byte| byte == b':')
            && Name::from_bytes(line[..colon].trim_ascii()) == Name::ContentType
        {
            content_type = part.slice_ref(line[colon + 1..].trim_ascii());
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "--xx\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xx\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--xx--\r\n";

    #[test]
    fn the_sdp_part_is_found() {
        let body = Bytes::from_static(MIXED.as_bytes());
        let found = find_part(b"multipart/mixed; boundary=\"xx\"", &body, "application/sdp");
        assert_eq!(found.as_deref(), Some(&b"v=0\r\n"[..]));
    }

    #[test]
    fn nesting_is_followed_twice_and_no_further() {
        let wrap = |inner: String, kind: &str, boundary: &str| {
            (
                format!("--{boundary}\r\nContent-Type: {kind}\r\n\r\n{inner}\r\n--{boundary}--\r\n"),
                boundary.to_owned(),
            )
        };
        let (one, _) = wrap(MIXED.to_owned(), "multipart/mixed;boundary=xx", "yy");
        let (two, _) = wrap(one.clone(), "multipart/mixed;boundary=yy", "zz");
        assert!(find_part(b"multipart/mixed;boundary=yy", &one.into(), "application/sdp").is_some());
        assert!(find_part(b"multipart/mixed;boundary=zz", &two.into(), "application/sdp").is_none());
    }
}
