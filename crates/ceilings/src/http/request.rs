//! Finds the end of a request.

const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const LENGTH: &[u8] = b"content-length:";

/// The length of the first request in `bytes`, head and body, once all of it is there.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes
        .windows(END_OF_HEAD.len())
        .position(|part| part == END_OF_HEAD)?
        + END_OF_HEAD.len();
    let all = head + body_length(&bytes[..head]);
    (bytes.len() >= all).then_some(all)
}

/// The value of `content-length`, or 0.
fn body_length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let value = lines.into_iter().find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH).then_some(value)
    });
    let text = value.and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_request_ends_with_its_body() {
        let request = b"POST /notices HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345";
        for length in 0..request.len() {
            assert_eq!(whole(&request[..length]), None, "{length}");
        }
        assert_eq!(whole(request), Some(request.len()));
        let two = [&request[..], b"POST"].concat();
        assert_eq!(whole(&two), Some(request.len()));
    }

    #[test]
    fn without_a_length_there_is_no_body() {
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(whole(request), Some(request.len()));
    }
}
